"""Contacts and businesses for the search of a workspace."""

from __future__ import annotations

from collections.abc import Sequence

from autoloop.base.i18n import _
from autoloop.base.search import Hit, Source, by_name
from autoloop.base.services import Services
from autoloop.businesses.models import Business, Contact, Segment
from autoloop.businesses.services.lists import business_rows, contact_rows

__all__ = ["SOURCES"]


def find_contacts(services: Services, words: str, most: int) -> Sequence[Hit]:
    """The newest that have all words, each as the beginning of one."""
    rows = contact_rows(services, {"q": words}).order_by(Contact.id.desc()).limit(most)
    found = []
    for row in services.session.execute(rows):
        name = " ".join(part for part in (row.first_name, row.last_name) if part)
        more = (row.email if name else None, row.business_name)
        title = name or row.email or row.external_id or str(row.id)
        found.append(Hit(row.id, title, " · ".join(filter(None, more))))
    return found


def find_businesses(services: Services, words: str, most: int) -> Sequence[Hit]:
    """The newest that have all words, each as the beginning of one."""
    rows = business_rows(services, {"q": words}).order_by(Business.id.desc()).limit(most)
    return [Hit(row.id, row.name, row.domain or row.city or "") for row in services.session.execute(rows)]


SOURCES = {
    "contacts": Source(_("Contacts"), find_contacts),
    "businesses": Source(_("Businesses"), find_businesses),
    "segments": Source(_("Segments"), by_name(Segment)),
}
