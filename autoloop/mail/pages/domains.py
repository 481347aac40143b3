"""Pages of sending domains: what to publish, and whether it is there."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.accounts.forms import posted
from autoloop.base.errors import AutoLoopError, Conflict, Invalid
from autoloop.mail import resources, schemas
from autoloop.mail.models import SendingDomain
from autoloop.mail.sending.limits import Limits
from autoloop.mail.services.domains import Domains
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse

HERE = "autoloop.mail:pages/"


def _list(request: Request, given: dict[str, Any], error: AutoLoopError | None = None) -> dict[str, Any]:
    rows = request.db.execute(request.services(Domains).rows().order_by(SendingDomain.name)).all()
    return {"rows": rows, "given": given, "error": refuse(request, error)}


@page(context=resources.Domains, permission=Permission.READ, template=HERE + "domains.jinja2")
def domains(context: resources.Domains, request: Request) -> dict[str, Any]:
    return _list(request, {})


@page(
    context=resources.Domains,
    method="POST",
    permission=Permission.MANAGE_SENDERS,
    template=HERE + "domains.jinja2",
)
def create_domain(context: resources.Domains, request: Request) -> Any:
    try:
        made = request.services(Domains).create(posted(request, schemas.CreateDomain())["name"])
    except (Invalid, Conflict) as error:
        return _list(request, dict(request.POST), error)
    return HTTPSeeOther(request.resource_url(context, str(made.id)))


@page(context=resources.Domain, permission=Permission.READ, template=HERE + "domain.jinja2")
def domain(context: resources.Domain, request: Request) -> dict[str, Any]:
    row = context.row
    limit = request.services(Limits).of(domain_id=row.id)
    return {"row": row, "keys": request.services(Domains).keys(row.id), "limit": limit}


@page(context=resources.Domain, name="check", method="POST", permission=Permission.MANAGE_SENDERS)
def check_domain(context: resources.Domain, request: Request) -> Any:
    request.services(Domains).look(context.row.id)
    return HTTPSeeOther(request.resource_url(context))


@page(context=resources.Domain, name="remove", method="POST", permission=Permission.MANAGE_SENDERS)
def remove_domain(context: resources.Domain, request: Request) -> Any:
    return _done(request, lambda: request.services(Domains).remove(context.row.id), context.__parent__)


@page(context=resources.DomainKeys, method="POST", permission=Permission.MANAGE_SENDERS)
def make_key(context: resources.DomainKeys, request: Request) -> Any:
    parent = context.__parent__
    algorithm = posted(request, schemas.NewKey())["algorithm"]
    return _done(request, lambda: request.services(Domains).new_key(parent.row.id, algorithm), parent)


@page(context=resources.DomainKey, name="remove", method="POST", permission=Permission.MANAGE_SENDERS)
def remove_key(context: resources.DomainKey, request: Request) -> Any:
    parent = context.__parent__.__parent__
    return _done(request, lambda: request.services(Domains).remove_key(parent.row.id, context.row.id), parent)


def _done(request: Request, do: Any, place: Any) -> HTTPSeeOther:
    """Do it and go there; where it is refused, say why."""
    try:
        do()
    except Conflict as error:
        say(request, error.message, refused=True)
    return HTTPSeeOther(request.resource_url(place))
