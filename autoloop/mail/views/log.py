"""The JSON door of the email log and the mailbox."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.mail import resources, schemas
from autoloop.mail.models import Email, MailboxMessage
from autoloop.mail.preview import rendered
from autoloop.mail.services.emails import Emails
from autoloop.mail.services.mailbox import Captured, opened
from autoloop.mail.services.test_sends import TestSends
from autoloop.mail.services.unknowns import Unknowns
from autoloop.mail.tracking.report import TouchReport
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission

# -- the email log


@api_view(
    context=resources.Emails,
    permission=Permission.READ,
    query=schemas.EmailsQuery,
    out=schemas.EmailRowOut,
    many=True,
)
def emails(context: resources.Emails, request: Request) -> Page:
    """Emails, the newest first."""
    return email_rows(request)


@api_view(context=resources.Email, permission=Permission.READ, out=schemas.EmailOut)
def email(context: resources.Email, request: Request) -> dict[str, Any]:
    """One email with its attempts and its text."""
    letter = rendered(request.services, context.id)
    return dict(context.row._mapping) | {
        "attempts_made": [dict(row._mapping) for row in request.services(Emails).attempts(context.id)],
        "touches": request.services(TouchReport).of_email(context.id, context.row.template_version_id),
        "body": letter.text if letter else None,
    }


@api_view(
    context=resources.Email,
    method="POST",
    name="settle",
    permission=Permission.PUBLISH,
    body=schemas.Settle,
    out=schemas.EmailRowOut,
)
def settle(context: resources.Email, request: Request) -> Any:
    """Say what became of an email whose fate is unknown, or send it again."""
    request.services(Unknowns).settle_one(context.row.id, request.validated["fate"])
    return request.services(Emails).find(context.id)


@api_view(
    context=resources.Emails,
    method="POST",
    name="test",
    permission=Permission.SEND_TEST,
    body=schemas.SendTest,
    out=schemas.EmailRowOut,
    status=201,
)
def send_test(context: resources.Emails, request: Request) -> Any:
    """Send a template to an address of your own, filled as for a contact."""
    made = request.services(TestSends).send(request.validated)
    return request.services(Emails).find(made.id)


# -- the mailbox


@api_view(context=resources.Captures, permission=Permission.READ, out=schemas.MailboxRowOut, many=True)
def mailbox(context: resources.Captures, request: Request) -> Page:
    """Captured mail, the newest first."""
    return captured_rows(request)


@api_view(context=resources.CapturedMail, permission=Permission.READ, out=schemas.MailboxOut)
def captured(context: resources.CapturedMail, request: Request) -> dict[str, Any]:
    """One captured message, taken apart."""
    row = context.row
    fields = ("id", "message_id", "sender", "recipient", "subject", "size", "created_at")
    mail = opened(bytes(row.raw))
    parts = {"headers": [list(header) for header in mail.headers], "text": mail.text, "html": mail.html}
    return {field: getattr(row, field) for field in fields} | parts


@api_view(context=resources.Captures, method="DELETE", permission=Permission.EDIT)
def empty_mailbox(context: resources.Captures, request: Request) -> None:
    """Throw all captured mail away."""
    request.services(Captured).empty()


def email_rows(request: Request) -> Page:
    rows = request.services(Emails).rows(request.filters)
    order = order_of(
        request.filters["sort"],
        {"created_at": Email.created_at, "id": Email.id},
        default="-id",
    )
    return fetch_page(request.db, rows, order, Email.id, request.filters)


def captured_rows(request: Request) -> Page:
    rows = request.services(Captured).rows(request.filters["q"])
    order = order_of(request.filters["sort"], {"id": MailboxMessage.id}, default="-id")
    return fetch_page(request.db, rows, order, MailboxMessage.id, request.filters)
