"""The HTML door of topics: what contacts may subscribe to, and how many do."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.businesses import services
from autoloop.businesses.pages.forms import REFUSALS, confirmed, may, refuse
from autoloop.businesses.resources import Topic, Topics
from autoloop.businesses.schemas.vocabulary import TopicIn, TopicPatch
from autoloop.businesses.views.vocabulary import topics as listed
from autoloop.web import page
from autoloop.web.input import ListQuery, checked, read_query
from autoloop.web.permissions import Permission

TEMPLATES = "autoloop.businesses:templates/"
LIST, ONE = TEMPLATES + "topics.jinja2", TEMPLATES + "topic.jinja2"


@page(context=Topics, permission=Permission.READ, template=LIST)
def topics(context: Topics, request: Request) -> dict[str, Any]:
    return _shown(context, request, {}, {})


@page(context=Topics, method="POST", permission=Permission.EDIT, template=LIST)
def create_topic(context: Topics, request: Request) -> Any:
    given = _posted(request, ("key", "name", "description"))
    try:
        request.services(services.Topics).create(**checked(TopicIn(), given))
    except REFUSALS as error:
        return _shown(context, request, given, refuse(request, error))
    return HTTPSeeOther(request.resource_url(context))


@page(context=Topic, permission=Permission.READ, template=ONE)
def topic(context: Topic, request: Request) -> dict[str, Any]:
    return _one(context, request, {}, {})


@page(context=Topic, method="POST", permission=Permission.EDIT, template=ONE)
def change_topic(context: Topic, request: Request) -> Any:
    given = _posted(request, ("name", "description"))
    try:
        request.services(services.Topics).change(context.row, checked(TopicPatch(), given))
    except REFUSALS as error:
        return _one(context, request, given, refuse(request, error))
    return HTTPSeeOther(request.resource_url(context.__parent__))


@page(context=Topic, name="delete", method="POST", permission=Permission.EDIT, template=ONE)
def delete_topic(context: Topic, request: Request) -> Any:
    try:
        confirmed(request, context.row.key)
    except REFUSALS as error:
        return _one(context, request, {}, refuse(request, error))
    request.services(services.Topics).delete(context.row)
    return HTTPSeeOther(request.resource_url(context.__parent__))


def _posted(request: Request, names: tuple[str, ...]) -> dict[str, Any]:
    given: dict[str, Any] = {name: str(request.POST.get(name, "")) for name in names}
    return given | {"is_public": "is_public" in request.POST}


def _shown(
    context: Topics, request: Request, given: dict[str, Any], errors: dict[str, list[str]]
) -> dict[str, Any]:
    request.filters = read_query(request, ListQuery(), many=True)
    found = listed(context, request)
    return {
        "page": found,
        "filters": request.filters,
        "counts": request.services(services.Topics).subscribers([row.key for row in found.rows]),
        "given": {"is_public": True} | given,
        "errors": errors,
        "may": may(request, Permission.EDIT),
    }


def _one(
    context: Topic, request: Request, given: dict[str, Any], errors: dict[str, list[str]]
) -> dict[str, Any]:
    row = context.row
    held = {name: getattr(row, name) for name in ("name", "description", "is_public")}
    count = request.services(services.Topics).subscribers([row.key]).get(row.key, 0)
    return {
        "row": row,
        "given": held | given,
        "count": count,
        "errors": errors,
        "may": may(request, Permission.EDIT),
    }
