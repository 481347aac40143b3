"""The JSON door of sending domains and their keys."""

from __future__ import annotations

from typing import Any

import colander
from pyramid.request import Request

from autoloop.base.i18n import _
from autoloop.mail import resources
from autoloop.mail.dkim import ALGORITHMS
from autoloop.mail.models import SendingDomain
from autoloop.mail.schemas import moment, one_of, plain, text
from autoloop.mail.services.domains import Domains
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, matching, order_of
from autoloop.web.permissions import Permission


class CreateDomain(colander.MappingSchema):
    name = text(_("Domain"), 253)


class DomainOut(colander.MappingSchema):
    id = text("Id")
    name = text("Domain")
    signing_keys = colander.SchemaNode(colander.Integer(), title="Keys that sign")
    verified_at = moment("All records seen since", missing=None)
    checked_at = moment("Last looked up", missing=None)
    checks = plain("What the DNS said: dkim by selector, spf, dmarc")
    created_at = moment("Made")


class NewKey(colander.MappingSchema):
    algorithm = one_of(_("Algorithm"), ALGORITHMS)


class KeyOut(colander.MappingSchema):
    id = text("Id")
    selector = text("Selector")
    algorithm = text("Algorithm")
    record = text("The TXT record to publish at <selector>._domainkey.<domain>", 2000)
    status = text("new, active or retired")
    created_at = moment("Made")
    activated_at = moment("Signs since", missing=None)
    retired_at = moment("Signed until", missing=None)


@api_view(context=resources.Domains, permission=Permission.READ, out=DomainOut, many=True)
def domains(context: resources.Domains, request: Request) -> Page:
    """The domains that mail comes from."""
    columns = {"name": SendingDomain.name, "created_at": SendingDomain.created_at}
    order = order_of(request.filters["sort"], columns, default="name")
    rows = matching(request.filters, request.services(Domains).rows(), SendingDomain.name)
    return fetch_page(request.db, rows, order, SendingDomain.id, request.filters)


@api_view(
    context=resources.Domains,
    method="POST",
    permission=Permission.MANAGE_SENDERS,
    body=CreateDomain,
    out=DomainOut,
)
def create_domain(context: resources.Domains, request: Request) -> Any:
    """Add a domain; it gets a key of each algorithm, to be published in the DNS."""
    return request.services(Domains).create(request.validated["name"])


@api_view(context=resources.Domain, permission=Permission.READ, out=DomainOut)
def domain(context: resources.Domain, request: Request) -> Any:
    """One domain with what the DNS said of it."""
    return context.row


@api_view(
    context=resources.Domain,
    name="check",
    method="POST",
    permission=Permission.MANAGE_SENDERS,
    out=DomainOut,
)
def check_domain(context: resources.Domain, request: Request) -> Any:
    """Ask the DNS now. A new key whose record is there begins to sign."""
    return request.services(Domains).look(context.row.id)


@api_view(context=resources.Domain, method="DELETE", permission=Permission.MANAGE_SENDERS)
def remove_domain(context: resources.Domain, request: Request) -> None:
    """Remove a domain that no sender uses, with its keys."""
    request.services(Domains).remove(context.row.id)


@api_view(context=resources.DomainKeys, permission=Permission.READ, out=KeyOut, many=True)
def keys(context: resources.DomainKeys, request: Request) -> Page:
    """The domain's keys, newest first; never their private halves."""
    return Page(list(request.services(Domains).keys(context.__parent__.row.id)))


@api_view(
    context=resources.DomainKeys,
    method="POST",
    permission=Permission.MANAGE_SENDERS,
    body=NewKey,
    out=KeyOut,
)
def make_key(context: resources.DomainKeys, request: Request) -> Any:
    """Make the next key. The present one signs until the new one's record is seen."""
    return request.services(Domains).new_key(context.__parent__.row.id, request.validated["algorithm"])


@api_view(context=resources.DomainKey, method="DELETE", permission=Permission.MANAGE_SENDERS)
def remove_key(context: resources.DomainKey, request: Request) -> None:
    """Forget a key."""
    request.services(Domains).remove_key(context.__parent__.__parent__.row.id, context.row.id)
