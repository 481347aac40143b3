"""Joining by the link of an invitation: who is signed in, who has an account, and who has none yet."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.accounts.forms import posted
from autoloop.accounts.models import User
from autoloop.accounts.resources import Auth
from autoloop.accounts.services import Users
from autoloop.accounts.sign_in import begin, limit
from autoloop.base.errors import AutoLoopError, Conflict, Invalid, NotFound, TooMany
from autoloop.web import page
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse
from autoloop.workspaces.invitations import schemas
from autoloop.workspaces.invitations.services import Invitations

TEMPLATE = "autoloop.workspaces:invitations/templates/join.jinja2"


@page(context=Auth, name="join", permission=Permission.PUBLIC, template=TEMPLATE)
def join_form(context: Auth, request: Request) -> dict[str, Any]:
    token = request.GET.get("token", "")
    try:
        limit(request)
    except TooMany as error:
        return join_page(request, token, error=error)
    return join_page(request, token)


@page(context=Auth, method="POST", name="join", permission=Permission.PUBLIC, template=TEMPLATE)
def join(context: Auth, request: Request) -> Any:
    token = str(request.POST.get("token", ""))
    invitations = request.services(Invitations)
    given: dict[str, Any] = {}
    try:
        limit(request)
        user = signed_in(request)
        if user is not None:
            slug = invitations.accept(token, user)
        else:
            given = posted(request, schemas.Join())
            user, slug = invitations.accept_as_new(token, given["name"], given["password"])
            begin(request, user, "invitation")
    except (Invalid, Conflict, NotFound, TooMany) as error:
        return join_page(request, token, name=given.get("name", ""), error=error)
    return HTTPSeeOther(f"{request.application_url}/w/{slug}")


def join_page(
    request: Request, token: str, *, name: str = "", error: AutoLoopError | None = None
) -> dict[str, Any]:
    """What stands behind the link, and the one thing to do. Too many tries say no more than that."""
    request.response.cache_control = "no-store"
    shown: dict[str, Any] = {"token": token, "name": name, "error": refuse(request, error)}
    if isinstance(error, TooMany):
        request.response.headers["Retry-After"] = str(error.retry_after)
        return shown | {"state": "limited"}
    try:
        found = request.services(Invitations).by_token(token)
    except NotFound:
        request.response.status = 404
        return shown | {"state": "unknown"}
    shown["found"] = found
    if found.ended is not None:
        request.response.status = 410
        return shown | {"state": found.ended}
    user = signed_in(request)
    shown["user"] = user
    if user is not None:
        return shown | {"state": "ready" if user.email == found.invitation.email else "other"}
    known = request.services(Users).by_email(found.invitation.email) is not None
    return shown | {"state": "sign_in" if known else "new"}


def signed_in(request: Request) -> User | None:
    """The person at the browser; a key is nobody who could join."""
    identity = request.identity
    if identity is None or identity.session_id is None:
        return None
    return request.services(Users).get(identity.user_id)
