"""The JSON door of emails whose fate nobody knows: /w/{workspace}/emails/unknown."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.mail import resources, schemas
from autoloop.mail.models import Email
from autoloop.mail.services.unknowns import FILTERS, Unknowns
from autoloop.web import Page, api_view
from autoloop.web.input import checked
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission

__all__ = ["given_filter", "unknown_rows"]


@api_view(
    context=resources.UnknownEmails,
    permission=Permission.READ,
    query=schemas.UnknownsQuery,
    out=schemas.UnknownOut,
    many=True,
)
def unknowns(context: resources.UnknownEmails, request: Request) -> Page:
    """Emails whose fate nobody knows, the newest first."""
    return unknown_rows(request)


@api_view(
    context=resources.UnknownEmails,
    method="POST",
    name="settle",
    permission=Permission.PUBLISH,
    body=schemas.SettleMany,
    out=schemas.SettledOut,
)
def settle_many(context: resources.UnknownEmails, request: Request) -> Any:
    """Say what became of those named, or of up to 5,000 that a filter finds; `resend` may mail people twice."""
    given = request.validated
    if ("ids" in given) == ("filter" in given):
        raise Invalid(details={"ids": [_("Give either ids or a filter.")]})
    return request.services(Unknowns).settle(
        given["fate"], ids=given.get("ids"), filters=given.get("filter", {})
    )


def unknown_rows(request: Request) -> Page:
    rows = request.services(Unknowns).rows(request.filters)
    order = order_of(request.filters["sort"], {"id": Email.id, "created_at": Email.created_at}, default="-id")
    return fetch_page(request.db, rows, order, Email.id, request.filters)


def given_filter(given: dict[str, Any]) -> dict[str, Any]:
    """What a form or an address says of the list, without paging. Raises Invalid."""
    named = {name: given[name] for name in FILTERS if given.get(name)}
    return checked(schemas.UnknownsFilter(), named)
