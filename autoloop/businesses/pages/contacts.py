"""The HTML door of contacts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pyramid.httpexceptions import HTTPMovedPermanently, HTTPSeeOther
from pyramid.request import Request

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.businesses import services
from autoloop.businesses.addresses import BadAddress
from autoloop.businesses.models import CONTACT_STATUSES
from autoloop.businesses.pages.consents import said
from autoloop.businesses.pages.forms import (
    REFUSALS,
    confirmed,
    may,
    posted_record,
    refuse,
    shown_record,
    vocabulary,
)
from autoloop.businesses.resources import Contact, Contacts
from autoloop.businesses.schemas.contacts import Consent, ContactPatch, ContactQuery
from autoloop.businesses.services.businesses import business_label
from autoloop.businesses.services.consents import Consents
from autoloop.businesses.services.segments import Segments as SegmentService
from autoloop.businesses.views.contacts import contact_page
from autoloop.web import page
from autoloop.web.input import checked, read_query
from autoloop.web.permissions import Permission

TEMPLATES = "autoloop.businesses:templates/"
NAMES = (
    "email",
    "external_id",
    "first_name",
    "last_name",
    "title",
    "phone",
    "timezone",
    "locale",
    "status",
)


@page(context=Contacts, permission=Permission.READ, template=TEMPLATES + "contacts.jinja2")
def contacts(context: Contacts, request: Request) -> dict[str, Any]:
    filters = read_query(request, ContactQuery(), many=True)
    found = contact_page(request, filters)
    business = filters["business"] and request.services(services.Businesses).find(filters["business"])
    segment = filters["segment"] and request.services(SegmentService).find(UUID(filters["segment"]))
    return {
        "page": found,
        "filters": filters,
        "business": business,
        "segment": segment,
        "tags": request.services(services.Tags).names(),
        "statuses": CONTACT_STATUSES,
        "may": may(request, Permission.EDIT, Permission.IMPORT, Permission.EXPORT),
    }


@page(context=Contacts, name="new", permission=Permission.EDIT, template=TEMPLATES + "contact_form.jinja2")
def new_contact(context: Contacts, request: Request) -> dict[str, Any]:
    id = parse_id(request.GET.get("business", ""))
    business = id and request.services(services.Businesses).find(id)
    return _form(request, {"business": business_label(business) if business else ""}, {})


@page(context=Contacts, method="POST", permission=Permission.EDIT, template=TEMPLATES + "contact_form.jinja2")
def create_contact(context: Contacts, request: Request) -> Any:
    given: dict[str, Any] = {}
    try:
        given = posted_record(request, NAMES) | {"business": _posted_business(request)}
        body = _body(request, given)
        row = request.services(services.Contacts).create(body, source="page")
    except REFUSALS as error:
        return _form(request, given, refuse(request, error))
    return HTTPSeeOther(request.resource_url(context, str(row.id), ""))


@page(context=Contact, permission=Permission.READ, template=TEMPLATES + "contact.jinja2")
def contact(context: Contact, request: Request) -> Any:
    row = context.row
    if row.id != context.id:
        return HTTPMovedPermanently(request.resource_url(context.__parent__, str(row.id), ""))
    business = row.business_id and request.services(services.Businesses).find(row.business_id)
    return {
        "row": row,
        "name": _name(row),
        "business": business,
        "timeline": _timeline(request, row.id, row),
        "said": said(request, request.services(Consents).lately(row.id)),
        "titles": {each.key: each.title for each in vocabulary(request, "contact")["definitions"]},
        "may": may(request, Permission.EDIT),
        "errors": {},
    }


@page(context=Contact, name="edit", permission=Permission.EDIT, template=TEMPLATES + "contact_form.jinja2")
def edit_contact(context: Contact, request: Request) -> dict[str, Any]:
    row = context.row
    business = row.business_id and request.services(services.Businesses).find(row.business_id)
    shown = shown_record(row, NAMES) | {"business": business_label(business) if business else ""}
    return _form(request, shown, {}, row)


@page(
    context=Contact,
    name="edit",
    method="POST",
    permission=Permission.EDIT,
    template=TEMPLATES + "contact_form.jinja2",
)
def change_contact(context: Contact, request: Request) -> Any:
    given: dict[str, Any] = {}
    row = context.row
    try:
        given = posted_record(request, NAMES) | {"business": _posted_business(request)}
        request.services(services.Contacts).update(row, _body(request, given, row), source="page")
    except REFUSALS as error:
        return _form(request, given, refuse(request, error), row)
    return HTTPSeeOther(request.resource_url(context))


@page(context=Contact, name="tags", method="POST", permission=Permission.EDIT)
def tag_contact(context: Contact, request: Request) -> Any:
    add = [word for word in str(request.POST.get("add", "")).split(",") if word.strip()]
    remove = [str(word) for word in request.POST.getall("remove")]
    request.services(services.Contacts).tag(context.row, add, remove)
    return HTTPSeeOther(request.resource_url(context))


@page(context=Contact, name="consent", method="POST", permission=Permission.EDIT)
def set_consent(context: Contact, request: Request) -> Any:
    given = {
        "marketing": request.POST.get("marketing", ""),
        "source": request.POST.get("source") or "dashboard",
        **({"tracking": request.POST["tracking"]} if "tracking" in request.POST else {}),
    }
    body = checked(Consent(), given)
    request.services(services.Contacts).set_consent(
        context.row, body["marketing"], body["source"], tracking=body["tracking"]
    )
    return HTTPSeeOther(request.resource_url(context))


@page(context=Contact, name="merge", method="POST", permission=Permission.EDIT)
def merge_contact(context: Contact, request: Request) -> Any:
    contacts = request.services(services.Contacts)
    other = _named_contact(request, str(request.POST.get("other", "")).strip())
    kept = contacts.merge(context.row, other)
    return HTTPSeeOther(request.resource_url(context.__parent__, str(kept.id), ""))


def _named_contact(request: Request, given: str) -> Any:
    """The contact that a person wrote down, by address or id. Raises Invalid."""
    contacts, id = request.services(services.Contacts), parse_id(given)
    try:
        found = contacts.find(id) if id else contacts.by_email(given)
    except BadAddress:
        found = None
    if found is None:
        message = _("There is no contact with this address.")
        raise Invalid(message, details={"other": [message]})
    return found


@page(context=Contact, name="delete", method="POST", permission=Permission.EDIT)
def delete_contact(context: Contact, request: Request) -> Any:
    confirmed(request, _name(context.row))
    request.services(services.Contacts).delete(context.row)
    return HTTPSeeOther(request.resource_url(context.__parent__))


def _posted_business(request: Request) -> str:
    given = request.POST.get("business", "")
    return given.strip() if isinstance(given, str) else ""


def _body(request: Request, given: dict[str, Any], row: Any = None) -> dict[str, Any]:
    """The form as the JSON door takes it, its business found by name. Raises Invalid.

    The contact's own business stays, though a namesake may exist.
    """
    body = {
        name: value
        for name, value in given.items()
        if name != "business" and (value != "" or name != "status")
    }
    business = None
    held = row and row.business_id and request.services(services.Businesses).find(row.business_id)
    if held and business_label(held) == given["business"]:
        business = held
    elif given["business"]:
        business = request.services(services.Businesses).by_label(given["business"])
        if business is None:
            message = f"There is no business “{given['business'][:80]}”. Make it first, or leave this empty."
            raise Invalid(details={"business_id": [message]})
    return checked(ContactPatch(), body | {"business_id": str(business.id) if business else ""})


def _form(
    request: Request, given: dict[str, Any], errors: dict[str, list[str]], row: Any = None
) -> dict[str, Any]:
    return {
        "row": row,
        "name": _name(row) if row is not None else "",
        "given": given,
        "errors": errors,
        "businesses": request.services(services.Businesses).labels(),
        "statuses": CONTACT_STATUSES,
        **vocabulary(request, "contact"),
    }


def _name(row: Any) -> str:
    return f"{row.first_name} {row.last_name}".strip() or row.email or row.external_id or str(row.id)


def _timeline(request: Request, contact_id: Any, row: Any) -> list[dict[str, Any]]:
    """Everything that other rooms know of the contact, the newest first."""
    found: list[dict[str, Any]] = [
        {"at": row.created_at, "kind": "contact", "title": "Contact made", "icon": "user-plus"}
    ]
    for source in request.registrations.timeline_sources.values():
        found += source(request.services, contact_id, 50)
    for entry in found:
        for name in ("text", "icon", "tone", "href"):
            entry.setdefault(name, "")
        if entry["kind"] == "email" and not entry["href"] and entry.get("id"):
            entry["href"] = request.resource_url(request.workspace_node, "emails", str(entry["id"]), "")
        if entry["kind"] == "run" and not entry["href"] and entry.get("id"):
            entry["href"] = request.resource_url(request.workspace_node, "runs", str(entry["id"]), "")
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda entry: entry["at"] or oldest, reverse=True)[:100]
