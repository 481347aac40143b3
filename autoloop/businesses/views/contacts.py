"""The JSON door of contacts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pyramid.request import Request

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.businesses import services
from autoloop.businesses.models import ConsentChange
from autoloop.businesses.models import Contact as ContactTable
from autoloop.businesses.resources import Contact, Contacts
from autoloop.businesses.schemas.contacts import (
    Consent,
    ConsentChangeOut,
    ContactOut,
    ContactPatch,
    ContactQuery,
    ContactRowOut,
    MergeIn,
    TagChange,
)
from autoloop.businesses.services.consents import Consents
from autoloop.businesses.services.lists import CONTACT_ORDERS, contact_rows
from autoloop.web import Page, api_view
from autoloop.web.caching import cached_list
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission

__all__ = ["contact_page", "contact_row"]

ROW = ContactRowOut()


def contact_page(request: Request, filters: dict[str, Any]) -> Page:
    """One page of contacts, for both doors."""
    order = order_of(filters["sort"], CONTACT_ORDERS, default="-created_at")
    rows = contact_rows(request.services, filters)
    found = fetch_page(request.db, rows, order, ContactTable.id, filters, count=True)
    return Page([_consented(row._mapping) for row in found.rows], found.next, found.total)


def _consented(row: Any) -> dict[str, Any]:
    consent = {
        "marketing": row["consent_marketing"],
        "tracking": row["consent_tracking"],
        "source": row["consent_source"],
        "at": row["consent_at"],
    }
    return dict(row) | {"consent": consent}


def contact_row(request: Request, row: ContactTable) -> dict[str, Any]:
    """A contact as it is answered."""
    names = [child.name for child in ContactOut().children if child.name not in ("consent", "business_name")]
    business = row.business_id and request.services(services.Businesses).find(row.business_id)
    consent = {"marketing": row.consent_marketing, "tracking": row.consent_tracking}
    consent |= {"source": row.consent_source, "at": row.consent_at}
    return {name: getattr(row, name) for name in names} | {
        "consent": consent,
        "business_name": business.name if business else None,
    }


@api_view(context=Contacts, permission=Permission.READ, query=ContactQuery, out=ContactRowOut, many=True)
def contacts(context: Contacts, request: Request) -> Any:
    """Contacts; sort by created_at, email or name (the last name)."""
    if request.filters["filter"]:  # it may ask about events and the time, which make no kept answer stale
        return contact_page(request, request.filters)
    return cached_list(
        request,
        "businesses",
        "contacts.list",
        ("contacts", "businesses", "fields", "segments"),
        ROW,
        lambda: contact_page(request, request.filters),
    )


@api_view(context=Contacts, method="POST", permission=Permission.EDIT, body=ContactPatch, out=ContactOut)
def create_contact(context: Contacts, request: Request) -> Any:
    """Make a contact: with an email address, an external id, or at least a last name."""
    return contact_row(request, request.services(services.Contacts).create(request.validated))


@api_view(
    context=Contacts,
    method="POST",
    name="upsert",
    permission=Permission.EDIT,
    body=ContactPatch,
    out=ContactOut,
)
def upsert_contact(context: Contacts, request: Request) -> Any:
    """Make a contact, or change the one of the same external id, else of the same email address."""
    return contact_row(request, request.services(services.Contacts).upsert(request.validated)[0])


@api_view(context=Contact, permission=Permission.READ, out=ContactOut)
def contact(context: Contact, request: Request) -> Any:
    """One contact. The id of a merged contact gives the one that it became."""
    return contact_row(request, context.row)


@api_view(context=Contact, method="PATCH", permission=Permission.EDIT, body=ContactPatch, out=ContactOut)
def change_contact(context: Contact, request: Request) -> Any:
    """Change a contact. What is left out stays."""
    return contact_row(request, request.services(services.Contacts).update(context.row, request.validated))


@api_view(context=Contact, method="DELETE", permission=Permission.EDIT)
def delete_contact(context: Contact, request: Request) -> None:
    """Remove a contact, with its runs."""
    request.services(services.Contacts).delete(context.row)


@api_view(
    context=Contact, method="POST", name="tags", permission=Permission.EDIT, body=TagChange, out=ContactOut
)
def tag_contact(context: Contact, request: Request) -> Any:
    """Add and remove tags by name; new ones are made."""
    given = request.validated
    changed = request.services(services.Contacts).tag(context.row, given["add"], given["remove"])
    return contact_row(request, changed)


@api_view(
    context=Contact, method="POST", name="consent", permission=Permission.EDIT, body=Consent, out=ContactOut
)
def set_consent(context: Contact, request: Request) -> Any:
    """Keep what the person said about marketing mail, or about recording opens and clicks."""
    given = request.validated
    changed = request.services(services.Contacts).set_consent(
        context.row, given["marketing"], given["source"], given["at"], given["tracking"]
    )
    return contact_row(request, changed)


@api_view(
    context=Contact, method="POST", name="merge", permission=Permission.EDIT, body=MergeIn, out=ContactOut
)
def merge_contact(context: Contact, request: Request) -> Any:
    """Merge with another contact: the one with the older id survives, with everything of both."""
    contacts = request.services(services.Contacts)
    other = contacts.find(UUID(request.validated["other"]))
    if other is None:
        raise Invalid(details={"other": [_("There is no such contact.")]})
    return contact_row(request, contacts.merge(context.row, other))


@api_view(context=Contact, name="consents", permission=Permission.READ, out=ConsentChangeOut, many=True)
def consents(context: Contact, request: Request) -> Page:
    """What the contact said about its mail, each time: consent, topics, pace, language, pause; the newest first."""
    rows = request.services(Consents).rows(context.row.id)
    order = order_of(request.filters["sort"], {"id": ConsentChange.id}, default="-id")
    return fetch_page(request.db, rows, order, ConsentChange.id, request.filters)
