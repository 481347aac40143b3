"""Pages of the email log and the mailbox."""

from __future__ import annotations

from html import escape
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from autoloop.accounts.forms import posted
from autoloop.base.errors import NotFound
from autoloop.mail import resources, schemas
from autoloop.mail.models import Status
from autoloop.mail.preview import rendered
from autoloop.mail.services.emails import Emails
from autoloop.mail.services.mailbox import Captured, opened
from autoloop.mail.views.log import captured_rows, email_rows
from autoloop.web import page
from autoloop.web.input import ListQuery, read_query
from autoloop.web.permissions import Permission

HERE = "autoloop.mail:pages/"


@page(context=resources.Emails, permission=Permission.READ, template=HERE + "emails.jinja2")
def emails(context: resources.Emails, request: Request) -> dict[str, Any]:
    request.filters = read_query(request, schemas.EmailsQuery(), many=True)
    return {"page": email_rows(request), "filters": request.filters, "states": [str(each) for each in Status]}


@page(context=resources.Email, permission=Permission.READ, template=HERE + "email.jinja2")
def email(context: resources.Email, request: Request) -> dict[str, Any]:
    row = context.row
    letter = rendered(request.services, row.id)
    attempts = request.services(Emails).attempts(row.id)
    return {"row": row, "letter": letter, "attempts": attempts, "events": happened(row, attempts)}


def happened(row: Any, attempts: list[Any]) -> list[dict[str, Any]]:
    """The email's life as a timeline, the oldest first."""
    told: list[dict[str, Any]] = [{"at": row.created_at, "title": "intent", "icon": "file-text"}]
    for each in attempts:
        title = each.outcome or "sending"
        tone = {"accepted": "ok", "permanent": "bad", "refused": "bad", "unknown": "warn"}.get(title, "")
        at = each.finished_at or each.marked_at
        told.append({"at": at, "title": title, "text": each.reply, "icon": "send", "tone": tone})
    if row.settled_at and row.status not in ("accepted", "unknown", "rejected"):
        told.append({"at": row.settled_at, "title": row.status, "text": row.reason, "icon": "info"})
    return sorted(told, key=lambda entry: entry["at"])


@page(context=resources.Email, name="preview", permission=Permission.READ)
def email_preview(context: resources.Email, request: Request) -> Response:
    letter = rendered(request.services, context.row.id)
    if letter is None:
        raise NotFound
    return framed(request, letter.html, letter.text)


@page(context=resources.Email, name="settle", method="POST", permission=Permission.PUBLISH)
def settle(context: resources.Email, request: Request) -> Any:
    request.services(Emails).settle(context.row.id, posted(request, schemas.Settle())["fate"])
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
    return framed(request, mail.html, mail.text)


def framed(request: Request, html: str | None, text: str) -> Response:
    """Mail for the sandboxed frame: its own policy lets no script, form or link out of it."""
    request.header_profile = "preview"
    body = html if html is not None else f"<pre style='white-space:pre-wrap'>{escape(text)}</pre>"
    return Response(body, content_type="text/html", charset="utf-8")
