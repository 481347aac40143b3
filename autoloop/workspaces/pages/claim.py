"""Claiming an installation by its first administrator."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.accounts.forms import posted_text
from autoloop.accounts.resources import Auth
from autoloop.accounts.services import Claims
from autoloop.accounts.sign_in import begin, limit
from autoloop.base.errors import Conflict, Invalid, NotFound, TooMany
from autoloop.web import page
from autoloop.web.input import checked
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse, told
from autoloop.workspaces import schemas, services
from autoloop.workspaces.pages import TEMPLATES


@page(context=Auth, name="claim", permission=Permission.PUBLIC, template=TEMPLATES + "claim.jinja2")
def claim_form(context: Auth, request: Request) -> dict[str, Any]:
    token = request.GET.get("token", "")
    if not request.services(Claims).holds(token):
        request.response.status = 404
    return {"token": token, "given": {}, "error": None, "holds": request.response.status_int == 200}


@page(
    context=Auth,
    method="POST",
    name="claim",
    permission=Permission.PUBLIC,
    template=TEMPLATES + "claim.jinja2",
)
def claim(context: Auth, request: Request) -> Any:
    token = str(request.POST.get("token", ""))
    given: dict[str, Any] = {}
    try:
        limit(request)
        given = posted_text(request)
        user, workspace = request.services(services.Claiming).claim(
            checked(schemas.Claim(), given | {"token": token})
        )
    except (Invalid, Conflict, NotFound, TooMany) as error:
        refuse(request, error)
        given.pop("password", None)
        holds = not isinstance(error, NotFound)
        return {"token": token, "given": given, "error": told(request, error), "holds": holds}
    begin(request, user, "claim")
    return HTTPSeeOther(f"{request.application_url}/w/{workspace.slug}")
