"""The list of a person's workspaces, and each one's first page."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.accounts.forms import posted
from autoloop.web import page
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse, told
from autoloop.workspaces import schemas, services
from autoloop.workspaces.overview import overview_facts, overview_list
from autoloop.workspaces.pages import REFUSALS, TEMPLATES
from autoloop.workspaces.resources import Workspace, Workspaces


@page(context=Workspaces, permission=Permission.SIGNED_IN, template=TEMPLATES + "chooser.jinja2")
def chooser(context: Workspaces, request: Request) -> Any:
    rows = chooser_rows(request)
    if len(rows) == 1 and "all" not in request.GET:
        return HTTPSeeOther(request.resource_url(context, rows[0].slug))
    return {"rows": rows, "given": {}, "error": None}


@page(
    context=Workspaces,
    method="POST",
    permission=Permission.CREATE_WORKSPACE,
    template=TEMPLATES + "chooser.jinja2",
)
def create_workspace(context: Workspaces, request: Request) -> Any:
    given: dict[str, Any] = {}
    try:
        given = posted(request, schemas.CreateWorkspace())
        made = request.services(services.Workspaces).create(
            given["name"], request.identity.user_id, slug=given["slug"], timezone=given["timezone"]
        )
    except REFUSALS as error:
        refuse(request, error)
        return {"rows": chooser_rows(request), "given": given, "error": told(request, error)}
    return HTTPSeeOther(request.resource_url(context, made.slug))


@page(context=Workspace, permission=Permission.READ, template=TEMPLATES + "overview.jinja2")
def overview(context: Workspace, request: Request) -> dict[str, Any]:
    facts = [
        {**fact, "href": request.resource_url(context, fact["path"]) if fact.get("path") else None}
        for fact in overview_facts(request.services)
    ]
    base = request.resource_url(context)
    return {
        "workspace": context.row,
        "facts": facts,
        "base": base,
        "attention": overview_list(request.services, "attention"),
        "checklist": overview_list(request.services, "checklist"),
        "daily": overview_list(request.services, "daily"),
    }


def chooser_rows(request: Request) -> list[Any]:
    query = request.services(services.Workspaces).of(request.identity.user_id)
    return list(request.db.execute(query.order_by("name").limit(200)))
