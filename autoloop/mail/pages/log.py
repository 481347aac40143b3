"""Pages of the email log and the mailbox."""

from __future__ import annotations

from html import escape
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from autoloop.accounts.forms import posted
from autoloop.base.errors import NotFound
from autoloop.base.i18n import _
from autoloop.mail import resources, schemas
from autoloop.mail.models import Status
from autoloop.mail.preview import pictured, rendered
from autoloop.mail.services.emails import Emails
from autoloop.mail.services.mailbox import Captured, opened
from autoloop.mail.services.mailbox import pictured as in_page
from autoloop.mail.services.unknowns import Unknowns
from autoloop.mail.tracking.looking import untracked
from autoloop.mail.tracking.report import TouchReport
from autoloop.mail.views.log import captured_rows, email_rows
from autoloop.web import page
from autoloop.web.input import ListQuery, read_query
from autoloop.web.permissions import Permission

HERE = "autoloop.mail:pages/"


@page(context=resources.Emails, permission=Permission.READ, template=HERE + "emails.jinja2")
def emails(context: resources.Emails, request: Request) -> dict[str, Any]:
    request.filters = read_query(request, schemas.EmailsQuery(), many=True)
    return {
        "page": email_rows(request),
        "filters": request.filters,
        "states": [str(each) for each in Status],
        "unknown": request.services(Unknowns).count(),
    }


@page(context=resources.Email, permission=Permission.READ, template=HERE + "email.jinja2")
def email(context: resources.Email, request: Request) -> dict[str, Any]:
    row = context.row
    letter = rendered(request.services, row.id)
    attempts = request.services(Emails).attempts(row.id)
    events = [
        entry | {"title": request.localizer.translate(entry["title"])} for entry in happened(row, attempts)
    ]
    touches = request.services(TouchReport).of_email(row.id, row.template_version_id)
    return {"row": row, "letter": letter, "events": events, "touches": touches}


WORDS: dict[str, tuple[Any, str, str]] = {
    "sending": (_("Being sent"), "send", ""),
    "accepted": (_("Accepted by the mail server"), "check", "ok"),
    "temporary": (_("Put off by the mail server"), "hourglass", "warn"),
    "deferred": (_("Put off before it was handed over"), "hourglass", "warn"),
    "permanent": (_("Refused by the mail server"), "octagon-x", "bad"),
    "refused": (_("Refused before it was handed over"), "octagon-x", "bad"),
    "unknown": (_("Handed over, but no reply came"), "circle-help", "warn"),
    "skipped": (_("Skipped"), "info", ""),
    "cancelled": (_("Called off"), "x", ""),
    "resent": (_("Sent again as a new email"), "refresh-cw", ""),
    "delivered": (_("Delivered"), "inbox", "ok"),
    "bounced": (_("Came back"), "triangle-alert", "bad"),
    "complained": (_("Reported as spam"), "triangle-alert", "bad"),
}


def happened(row: Any, attempts: list[Any]) -> list[dict[str, Any]]:
    """The email's life as a timeline, the oldest first."""
    told: list[dict[str, Any]] = [{"at": row.created_at, "title": _("Asked for"), "icon": "file-text"}]
    entries = [
        (each.finished_at or each.marked_at, each.outcome or "sending", each.reply) for each in attempts
    ]
    if row.settled_at and row.status not in ("accepted", "unknown", "rejected"):
        entries.append((row.settled_at, row.status, row.reason))
    for at, what, text in entries:
        title, icon, tone = WORDS.get(what, (what, "info", ""))
        told.append({"at": at, "title": title, "text": text, "icon": icon, "tone": tone})
    return sorted(told, key=lambda entry: entry["at"])


@page(context=resources.Email, name="preview", permission=Permission.READ)
def email_preview(context: resources.Email, request: Request) -> Response:
    letter = rendered(request.services, context.row.id, tracked=False)
    if letter is None:
        raise NotFound
    return framed(request, pictured(request.services, letter), letter.text)


@page(context=resources.Email, name="settle", method="POST", permission=Permission.PUBLISH)
def settle(context: resources.Email, request: Request) -> Any:
    request.services(Unknowns).settle_one(context.row.id, posted(request, schemas.Settle())["fate"])
    return HTTPSeeOther(request.resource_url(context))


@page(context=resources.Captures, permission=Permission.READ, template=HERE + "mailbox.jinja2")
def mailbox(context: resources.Captures, request: Request) -> dict[str, Any]:
    request.filters = read_query(request, ListQuery(), many=True)
    return {"page": captured_rows(request), "filters": request.filters}


@page(context=resources.Captures, name="empty", method="POST", permission=Permission.EDIT)
def empty_mailbox(context: resources.Captures, request: Request) -> Any:
    request.services(Captured).empty()
    return HTTPSeeOther(request.resource_url(context))


@page(context=resources.CapturedMail, permission=Permission.READ, template=HERE + "captured.jinja2")
def captured(context: resources.CapturedMail, request: Request) -> dict[str, Any]:
    return {"row": context.row, "mail": opened(bytes(context.row.raw))}


@page(context=resources.CapturedMail, name="preview", permission=Permission.READ)
def captured_preview(context: resources.CapturedMail, request: Request) -> Response:
    mail = opened(bytes(context.row.raw))
    html = in_page(mail)
    return framed(request, untracked(request.services, html) if html else html, mail.text)


def framed(request: Request, html: str | None, text: str) -> Response:
    """Mail for the sandboxed frame: its own policy lets no script, form or link out of it."""
    request.header_profile = "preview"
    body = html if html is not None else f"<pre style='white-space:pre-wrap'>{escape(text)}</pre>"
    return Response(body, content_type="text/html", charset="utf-8")
