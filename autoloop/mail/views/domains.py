"""The JSON door of sending domains and their keys."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.mail import resources, schemas
from autoloop.mail.models import SendingDomain
from autoloop.mail.services.domains import Domains
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, matching, order_of
from autoloop.web.permissions import Permission


@api_view(context=resources.Domains, permission=Permission.READ, out=schemas.DomainOut, many=True)
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
    body=schemas.CreateDomain,
    out=schemas.DomainOut,
)
def create_domain(context: resources.Domains, request: Request) -> Any:
    """Add a domain; it gets a key of each algorithm, to be published in the DNS."""
    return request.services(Domains).create(request.validated["name"])


@api_view(context=resources.Domain, permission=Permission.READ, out=schemas.DomainOut)
def domain(context: resources.Domain, request: Request) -> Any:
    """One domain with what the DNS said of it."""
    return context.row


@api_view(
    context=resources.Domain,
    name="check",
    method="POST",
    permission=Permission.MANAGE_SENDERS,
    out=schemas.DomainOut,
)
def check_domain(context: resources.Domain, request: Request) -> Any:
    """Ask the DNS now. A new key whose record is there begins to sign."""
    return request.services(Domains).look(context.row.id)


@api_view(context=resources.Domain, method="DELETE", permission=Permission.MANAGE_SENDERS)
def remove_domain(context: resources.Domain, request: Request) -> None:
    """Remove a domain that no sender uses, with its keys."""
    request.services(Domains).remove(context.row.id)


@api_view(context=resources.DomainKeys, permission=Permission.READ, out=schemas.KeyOut, many=True)
def keys(context: resources.DomainKeys, request: Request) -> Page:
    """The domain's keys, newest first; never their private halves."""
    return Page(list(request.services(Domains).keys(context.__parent__.row.id)))


@api_view(
    context=resources.DomainKeys,
    method="POST",
    permission=Permission.MANAGE_SENDERS,
    body=schemas.NewKey,
    out=schemas.KeyOut,
)
def make_key(context: resources.DomainKeys, request: Request) -> Any:
    """Make the next key. The present one signs until the new one's record is seen."""
    return request.services(Domains).new_key(context.__parent__.row.id, request.validated["algorithm"])


@api_view(context=resources.DomainKey, method="DELETE", permission=Permission.MANAGE_SENDERS)
def remove_key(context: resources.DomainKey, request: Request) -> None:
    """Forget a key."""
    request.services(Domains).remove_key(context.__parent__.__parent__.row.id, context.row.id)
