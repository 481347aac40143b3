"""The HTML door of businesses."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.businesses import services
from autoloop.businesses.models import BUSINESS_STATUSES
from autoloop.businesses.pages.forms import (
    REFUSALS,
    confirmed,
    may,
    posted_record,
    refuse,
    shown_record,
    vocabulary,
)
from autoloop.businesses.resources import Business, Businesses
from autoloop.businesses.schemas.businesses import BusinessIn, BusinessQuery
from autoloop.businesses.views.businesses import business_page
from autoloop.businesses.views.contacts import contact_page
from autoloop.web import page
from autoloop.web.input import checked, read_query
from autoloop.web.permissions import Permission

TEMPLATES = "autoloop.businesses:templates/"
NAMES = (
    "name",
    "domain",
    "external_id",
    "email",
    "phone",
    "website",
    "city",
    "country",
    "timezone",
    "status",
)


@page(context=Businesses, permission=Permission.READ, template=TEMPLATES + "businesses.jinja2")
def businesses(context: Businesses, request: Request) -> dict[str, Any]:
    filters = read_query(request, BusinessQuery(), many=True)
    return {
        "page": business_page(request, filters),
        "filters": filters,
        "tags": request.services(services.Tags).names(),
        "statuses": BUSINESS_STATUSES,
        "may": may(request, Permission.EDIT, Permission.IMPORT, Permission.EXPORT),
    }


@page(context=Businesses, name="new", permission=Permission.EDIT, template=TEMPLATES + "business_form.jinja2")
def new_business(context: Businesses, request: Request) -> dict[str, Any]:
    return _form(request, {}, {})


@page(
    context=Businesses,
    method="POST",
    permission=Permission.EDIT,
    template=TEMPLATES + "business_form.jinja2",
)
def create_business(context: Businesses, request: Request) -> Any:
    given: dict[str, Any] = {}
    try:
        given = posted_record(request, NAMES)
        row = request.services(services.Businesses).create(checked(BusinessIn(), _filled(given)))
    except REFUSALS as error:
        return _form(request, given, refuse(request, error))
    return HTTPSeeOther(request.resource_url(context, str(row.id), ""))


@page(context=Business, permission=Permission.READ, template=TEMPLATES + "business.jinja2")
def business(context: Business, request: Request) -> dict[str, Any]:
    row = context.row
    people = contact_page(
        request, {"business": str(row.id), "sort": None, "limit": 50, "cursor": None, "q": None}
    )
    return {
        "row": row,
        "people": people,
        "titles": {each.key: each.title for each in vocabulary(request, "business")["definitions"]},
        "may": may(request, Permission.EDIT),
    }


@page(context=Business, name="edit", permission=Permission.EDIT, template=TEMPLATES + "business_form.jinja2")
def edit_business(context: Business, request: Request) -> dict[str, Any]:
    return _form(request, shown_record(context.row, NAMES), {}, context.row)


@page(
    context=Business,
    name="edit",
    method="POST",
    permission=Permission.EDIT,
    template=TEMPLATES + "business_form.jinja2",
)
def change_business(context: Business, request: Request) -> Any:
    given: dict[str, Any] = {}
    row = context.row
    try:
        given = posted_record(request, NAMES)
        request.services(services.Businesses).update(row, checked(BusinessIn(), given))
    except REFUSALS as error:
        return _form(request, given, refuse(request, error), row)
    return HTTPSeeOther(request.resource_url(context))


@page(context=Business, name="delete", method="POST", permission=Permission.EDIT)
def delete_business(context: Business, request: Request) -> Any:
    confirmed(request, context.row.name)
    request.services(services.Businesses).delete(context.row)
    return HTTPSeeOther(request.resource_url(context.__parent__))


def _filled(given: dict[str, Any]) -> dict[str, Any]:
    """A new record takes its domain from its website, if the form leaves the domain empty."""
    return {name: value for name, value in given.items() if value != "" or name not in ("status", "domain")}


def _form(
    request: Request, given: dict[str, Any], errors: dict[str, list[str]], row: Any = None
) -> dict[str, Any]:
    shared = {"given": given, "errors": errors, "statuses": BUSINESS_STATUSES}
    return {"row": row, **shared, **vocabulary(request, "business")}
