"""The members of a workspace."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.accounts.forms import posted
from autoloop.accounts.models import User
from autoloop.base.errors import AutoLoopError
from autoloop.web import page
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse, told
from autoloop.workspaces import schemas, services
from autoloop.workspaces.invitations.services import Invitations
from autoloop.workspaces.models import ROLE_NAMES, Invitation
from autoloop.workspaces.pages import REFUSALS, TEMPLATES
from autoloop.workspaces.resources import Member, Members
from autoloop.workspaces.views import role


@page(context=Members, permission=Permission.READ, template=TEMPLATES + "members.jinja2")
def members(context: Members, request: Request) -> dict[str, Any]:
    return members_page(context, request)


@page(
    context=Members,
    method="POST",
    permission=Permission.MANAGE_MEMBERS,
    template=TEMPLATES + "members.jinja2",
)
def add_member(context: Members, request: Request) -> Any:
    given: dict[str, Any] = {}
    try:
        given = posted(request, schemas.AddMember())
        request.services(services.Members).add_member(given["email"], given["role"], by=role(context))
    except REFUSALS as error:
        refuse(request, error)
        return members_page(context, request, given, error)
    return HTTPSeeOther(request.resource_url(context, query={"done": "added"}))


@page(
    context=Member, method="POST", permission=Permission.MANAGE_MEMBERS, template=TEMPLATES + "members.jinja2"
)
def change_member(context: Member, request: Request) -> Any:
    try:
        given = posted(request, schemas.ChangeMember())
        request.services(services.Members).change_role(context.row.id, given["role"], by=role(context))
    except REFUSALS as error:
        refuse(request, error)
        return members_page(context.__parent__, request, {}, error)
    return HTTPSeeOther(request.resource_url(context.__parent__, query={"done": "changed"}))


@page(
    context=Member,
    method="POST",
    name="remove",
    permission=Permission.MANAGE_MEMBERS,
    template=TEMPLATES + "members.jinja2",
)
def remove_member(context: Member, request: Request) -> Any:
    person = context.row.id
    try:
        request.services(services.Members).remove(person, by=role(context))
    except REFUSALS as error:
        refuse(request, error)
        return members_page(context.__parent__, request, {}, error)
    if person == request.identity.user_id:
        return HTTPSeeOther(f"{request.application_url}/w?all")
    return HTTPSeeOther(request.resource_url(context.__parent__, query={"done": "removed"}))


@page(
    context=Members,
    method="POST",
    name="leave",
    permission=Permission.LEAVE,
    template=TEMPLATES + "members.jinja2",
)
def leave(context: Members, request: Request) -> Any:
    try:
        request.services(services.Members).remove(request.identity.user_id, by=role(context))
    except REFUSALS as error:
        refuse(request, error)
        return members_page(context, request, {}, error)
    return HTTPSeeOther(f"{request.application_url}/w?all")


def members_page(
    context: Any, request: Request, given: dict[str, Any] | None = None, error: AutoLoopError | None = None
) -> dict[str, Any]:
    rows = request.db.execute(
        request.services(services.Members).rows().order_by(User.name, User.id).limit(1000)
    )
    return {
        "rows": list(rows),
        "roles": ROLE_NAMES,
        "collection": context,
        "given": given or {},
        "error": told(request, error),
        "invitations": invited(context, request),
    }


def invited(context: Any, request: Request) -> list[Any]:
    """Open invitations, for who may manage them."""
    if not request.has_permission(Permission.MANAGE_MEMBERS, context):
        return []
    return list(request.db.execute(request.services(Invitations).rows().order_by(Invitation.email)))
