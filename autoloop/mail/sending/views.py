"""The JSON door of what limits the rate of mail."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.mail.models import MailLimit
from autoloop.mail.sending import resources, schemas
from autoloop.mail.sending.limits import Limits
from autoloop.mail.sending.report import Braked, Sending
from autoloop.mail.sending.telling import tell
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission


@api_view(context=resources.Sending, permission=Permission.READ, out=schemas.SendingOut)
def sending(context: resources.Sending, request: Request) -> dict[str, Any]:
    """What limits the rate of mail right now, and how much waits for it."""
    return report_of(request)


def report_of(request: Request) -> dict[str, Any]:
    """The report, as it is answered."""
    report = request.services(Sending).report()
    return {
        **{name: getattr(report, name) for name in ("now", "sending", "last_minute", "last_hour")},
        "waiting": report.waiting.count,
        "more_waiting": report.waiting.more,
        "free": report.free.count,
        "more_free": report.free.more,
        "brakes": [brake_of(request, brake) for brake in report.brakes],
    }


@api_view(
    context=resources.Sending,
    name="end-break",
    method="POST",
    permission=Permission.MANAGE_SENDING,
    body=schemas.BreakEnd,
    out=schemas.SendingOut,
)
def end_break(context: resources.Sending, request: Request) -> dict[str, Any]:
    """End a break, or let a slowed pair go at full speed again. It is written into the audit."""
    request.services(Sending).close(request.validated["account_id"], request.validated["domain"])
    return report_of(request)


@api_view(context=resources.Limits, permission=Permission.READ, out=schemas.LimitOut, many=True)
def limits(context: resources.Limits, request: Request) -> Page:
    """The limits that people set."""
    columns = {"created_at": MailLimit.created_at, "id": MailLimit.id}
    order = order_of(request.filters["sort"], columns, default="id")
    return fetch_page(request.db, request.services(Limits).rows(), order, MailLimit.id, request.filters)


@api_view(
    context=resources.Limits,
    method="POST",
    permission=Permission.MANAGE_SENDING,
    body=schemas.SetLimit,
    out=schemas.LimitOut,
)
def set_limit(context: resources.Limits, request: Request) -> Any:
    """Limit the mail through an account, from a sender or a domain, to a domain, or of the whole workspace."""
    return request.services(Limits).set(request.validated)


@api_view(context=resources.Limit, permission=Permission.READ, out=schemas.LimitOut)
def limit(context: resources.Limit, request: Request) -> Any:
    """One limit."""
    return context.row


@api_view(
    context=resources.Limit,
    method="PATCH",
    permission=Permission.MANAGE_SENDING,
    body=schemas.ChangeLimit,
    out=schemas.LimitOut,
)
def change_limit(context: resources.Limit, request: Request) -> Any:
    """Change its figures; null takes one away. What waits for it is looked at again at once."""
    return request.services(Limits).change(context.row.id, request.validated)


@api_view(context=resources.Limit, method="DELETE", permission=Permission.MANAGE_SENDING)
def lift_limit(context: resources.Limit, request: Request) -> None:
    """Take the limit away; what waits for it goes on."""
    request.services(Limits).lift(context.row.id)


def brake_of(request: Request, brake: Braked) -> dict[str, Any]:
    """One line of the report."""
    told = tell(brake, request.localizer.translate)
    row = brake.row
    slow = brake.kind in ("slowed", "breaker", "account")
    return {
        "kind": brake.kind,
        "title": told.title,
        "figure": told.figure,
        "note": told.note,
        "reason": brake.reason,
        "waiting": brake.waiting.count,
        "more_waiting": brake.waiting.more,
        "next_at": brake.waiting.first,
        "last_at": brake.waiting.last,
        "until": brake.until,
        "used": brake.used,
        "most": brake.most,
        "limit_id": row.id if brake.kind == "limit" else None,
        "sender_id": row.id if brake.kind in ("cap", "ramp") else None,
        "account_id": row.account_id if slow else None,
        "domain": row.domain if slow else None,
    }
