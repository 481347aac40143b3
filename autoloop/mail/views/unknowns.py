"""The JSON door of emails whose fate nobody knows: /w/{workspace}/emails/unknown."""

from __future__ import annotations

from typing import Any

import colander
from pyramid.request import Request

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.mail import resources, schemas
from autoloop.mail.models import Email, Kind
from autoloop.mail.services.unknowns import FATES, FILTERS, Unknowns
from autoloop.web import Page, api_view
from autoloop.web.input import ListQuery, checked
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission

__all__ = ["UnknownsFilter", "UnknownsQuery", "given_filter", "unknown_rows"]

ON_UNKNOWN = ("hold", "skip", "resend")


class UnknownsQuery(ListQuery):
    kind = schemas.one_of(_("Kind"), Kind, missing=None)
    workflow_id = schemas.id_of(_("Workflow"), missing=None)
    sender_id = schemas.id_of(_("Sender"), missing=None)
    provider_account_id = schemas.id_of(_("Provider"), missing=None)
    on_unknown = schemas.one_of(_("If it stays unknown"), ON_UNKNOWN, missing=None)
    before = schemas.moment(_("Unknown since before"), missing=None)


class UnknownsFilter(colander.MappingSchema):
    """As the list takes it; all must hold."""

    q = schemas.text(_("Address or subject"), missing=colander.drop)
    kind = schemas.one_of(_("Kind"), Kind, missing=colander.drop)
    workflow_id = schemas.id_of(_("Workflow"), missing=colander.drop)
    sender_id = schemas.id_of(_("Sender"), missing=colander.drop)
    provider_account_id = schemas.id_of(_("Provider"), missing=colander.drop)
    on_unknown = schemas.one_of(_("If it stays unknown"), ON_UNKNOWN, missing=colander.drop)
    before = schemas.moment(_("Unknown since before"), missing=colander.drop)


class Ids(colander.SequenceSchema):
    id = schemas.id_of(_("Email"))


class SettleMany(colander.MappingSchema):
    """Either `ids` or `filter`; an empty filter means all there are."""

    fate = schemas.one_of(_("What became of them"), FATES)
    ids = Ids(title=_("Emails"), validator=colander.Length(1, 1000), missing=colander.drop)
    filter = UnknownsFilter(title=_("Filter"), missing=colander.drop)


class SettledOut(colander.MappingSchema):
    settled = colander.SchemaNode(colander.Integer(), title="How many were settled")
    passed_over = colander.SchemaNode(colander.Integer(), title="Named, but known by now, or erased")
    left = colander.SchemaNode(colander.Integer(), title="How many more the filter finds; ask again for them")


class UnknownOut(colander.MappingSchema):
    id = schemas.text("Id")
    kind = schemas.text("marketing, transactional, test or system")
    to_address = schemas.text("To; empty once it was erased", 320)
    to_name = schemas.text("Name of the recipient")
    subject = schemas.text("Subject", 1000, missing=None)
    message_id = schemas.text("Message-ID, to look for in the server's log", 1000, missing=None)
    workflow_id = schemas.text("Workflow", missing=None)
    workflow_name = schemas.text("Workflow's name", missing=None)
    run_id = schemas.text("Run", missing=None)
    node = schemas.text("Step of the workflow", missing=None)
    contact_id = schemas.text("Contact", missing=None)
    sender_name = schemas.text("Sender's name", missing=None)
    provider_account_id = schemas.text("The account it left through", missing=None)
    account_name = schemas.text("Name of the account", missing=None)
    provider = schemas.text("Provider plugin", missing=None)
    reason = schemas.text("Why nobody knows", 1000, missing=None)
    attempts = colander.SchemaNode(colander.Integer(), title="How often it was tried")
    marked_at = schemas.moment("When the last attempt was handed over", missing=None)
    code = colander.SchemaNode(colander.Integer(), title="Code of the last reply", missing=None)
    reply = schemas.text("The last reply", 1000, missing=None)
    look_ups = colander.SchemaNode(colander.Integer(), title="How often the provider was asked about it")
    look_up_at = schemas.moment("When it is asked again", missing=None)
    on_unknown = schemas.text("What happens by itself: hold, skip or resend")
    due_at = schemas.moment("When that happens, unless it is hold")
    settled_at = schemas.moment("Unknown since", missing=None)
    created_at = schemas.moment("When it was asked for")


@api_view(
    context=resources.UnknownEmails,
    permission=Permission.READ,
    query=UnknownsQuery,
    out=UnknownOut,
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
    body=SettleMany,
    out=SettledOut,
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
    return checked(UnknownsFilter(), named)
