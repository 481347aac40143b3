"""The HTML door of invitations: they stand on the page of the members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.traversal import find_interface

from autoloop.accounts.forms import posted
from autoloop.base.errors import TooMany
from autoloop.web import page
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse
from autoloop.web.tree import Node
from autoloop.workspaces.invitations import schemas
from autoloop.workspaces.invitations.resources import Invitation, Invitations
from autoloop.workspaces.invitations.services import Invitations as Service
from autoloop.workspaces.invitations.services import Sent
from autoloop.workspaces.invitations.views import limit
from autoloop.workspaces.pages import REFUSALS, TEMPLATES
from autoloop.workspaces.pages.members import members_page
from autoloop.workspaces.resources import Workspace
from autoloop.workspaces.views import role

MEMBERS = TEMPLATES + "members.jinja2"


@page(context=Invitations, permission=Permission.READ)
def invitations(context: Invitations, request: Request) -> Any:
    return HTTPSeeOther(request.resource_url(members_of(context)))


@page(context=Invitations, method="POST", permission=Permission.MANAGE_MEMBERS, template=MEMBERS)
def invite(context: Invitations, request: Request) -> dict[str, Any]:
    given: dict[str, Any] = {}

    def verb(service: Service) -> Sent:
        given.update(posted(request, schemas.Invite()))
        return service.invite(given["email"], given["role"], by=role(context))

    return _sent(context, request, verb, given)


@page(
    context=Invitation,
    method="POST",
    name="send-again",
    permission=Permission.MANAGE_MEMBERS,
    template=MEMBERS,
)
def send_again(context: Invitation, request: Request) -> dict[str, Any]:
    id, by = context.row.id, role(context)
    return _sent(context, request, lambda service: service.send_again(id, by=by), {})


@page(
    context=Invitation, method="POST", name="revoke", permission=Permission.MANAGE_MEMBERS, template=MEMBERS
)
def revoke(context: Invitation, request: Request) -> Any:
    members = members_of(context)
    try:
        request.services(Service).revoke(context.row.id, by=role(context))
    except REFUSALS as error:
        refuse(request, error)
        return members_page(members, request, {}, error)
    return HTTPSeeOther(request.resource_url(members, query={"done": "revoked"}))


def members_of(context: Node) -> Any:
    """The place of the members of the same workspace."""
    return find_interface(context, Workspace)["members"]


def _sent(
    context: Any, request: Request, verb: Callable[[Service], Sent], given: dict[str, Any]
) -> dict[str, Any]:
    """The link is shown on the answer itself, and nowhere after."""
    members = members_of(context)
    try:
        limit(request)
        sent = verb(request.services(Service))
    except (*REFUSALS, TooMany) as error:
        refuse(request, error)
        return members_page(members, request, given, error)
    request.response.cache_control = "no-store"
    return members_page(members, request) | {"sent": sent}
