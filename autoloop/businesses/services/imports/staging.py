"""A chunk's rows, staged in temporary tables, matched with what is there, and written in sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from autoloop.base.services import Services
from autoloop.businesses.services.consents import said_by
from autoloop.businesses.services.imports import statements as sql
from autoloop.businesses.services.imports.batch import Batch
from autoloop.businesses.services.imports.copying import NULL, array, copy_in, copy_lines, document
from autoloop.businesses.services.imports.rows import Values

if TYPE_CHECKING:
    from autoloop.businesses.services.imports.reading import Chunk

__all__ = ["Written", "staged_companies", "staged_people", "write"]

COMPANY_TEXTS = (
    "external_id",
    "name",
    "domain",
    "email",
    "phone",
    "website",
    "city",
    "country",
    "timezone",
    "status",
)
PERSON_TEXTS = (
    "email",
    "email_normal",
    "external_id",
    "first_name",
    "last_name",
    "title",
    "phone",
    "timezone",
    "locale",
    "status",
    "consent",
    "consent_tracking",
)
COMPANY_COLUMNS = ("n", "id", *COMPANY_TEXTS, "tags", "fields")
PERSON_COLUMNS = ("n", "id", *PERSON_TEXTS, "company", "tags", "topics", "fields")


@dataclass
class Written:
    """What became of a batch. Places are indexes into the batch's people and companies."""

    created: dict[int, UUID] = field(default_factory=dict)
    updated: dict[int, UUID] = field(default_factory=dict)
    unchanged: dict[int, UUID] = field(default_factory=dict)
    clashes: set[int] = field(default_factory=set)
    tagged: list[tuple[UUID, str]] = field(default_factory=list)
    companies_created: set[int] = field(default_factory=set)
    companies_updated: set[int] = field(default_factory=set)


def write(services: Services, chunk: Chunk, options: dict[str, Any]) -> Written:
    """Write a chunk into the workspace, in the caller's transaction.

    Contacts that are there are locked before businesses, each in id order, as everywhere.
    """
    session, tenant = services.session, services.workspace_id
    written = Written()
    said_by(services, "import")
    session.execute(sql.STAGES)
    people, companies = chunk.people, chunk.companies
    copy_in(session, "import_businesses", COMPANY_COLUMNS, chunk.staged_companies)
    copy_in(session, "import_contacts", PERSON_COLUMNS, chunk.staged_people)
    known = {"tenant": tenant}
    session.execute(sql.MATCH_CONTACTS, known)
    session.execute(sql.MATCH_BUSINESSES, known)
    found: dict[int, UUID] = {}
    for place, id, clash in session.execute(sql.MATCHED_CONTACTS):
        if clash:
            written.clashes.add(place)
        else:
            found[place] = id
    if written.clashes:
        session.execute(sql.DROP_CLASHES)
    owned = {row.n: row.found for row in session.execute(sql.MATCHED_BUSINESSES)}
    tags: dict[UUID, list[str]] = {}
    if found:
        session.execute(sql.SETTLE_CONTACTS)
        tags = {
            row.id: row.tags
            for row in session.execute(sql.LOCK_CONTACTS, known | {"ids": list(found.values())})
        }
    if owned:
        session.execute(sql.LOCK_BUSINESSES, known | {"ids": list(owned.values())})
    user = {"user": services.user_id}
    session.execute(sql.INSERT_BUSINESSES, known | user)
    written.companies_created = set(range(len(companies))) - set(owned)
    update = options["update_existing"]
    if owned and update:
        changed = {row.id for row in session.execute(sql.UPDATE_BUSINESSES, known)}
        written.companies_updated = {place for place, id in owned.items() if id in changed}
    session.execute(sql.INSERT_CONTACTS, known | user | {"consent": options["consent"]})
    changed_people: dict[UUID, Any] = {}
    if found and update:
        changed_people = {row.id: row for row in session.execute(sql.UPDATE_CONTACTS, known)}
    for place, id in enumerate(people):
        if place in written.clashes:
            continue
        if place not in found:
            written.created[place] = id
        elif found[place] in changed_people:
            written.updated[place] = found[place]
        else:
            written.unchanged[place] = found[place]
    for row in changed_people.values():
        written.tagged += [(row.id, tag) for tag in row.tags if tag not in tags.get(row.id, ())]
    return written


def staged_companies(batch: Batch, ids: list[UUID]) -> bytes:
    """The businesses of a batch as COPY takes them."""
    return copy_lines(
        [
            *_texts(place, ids[place], values, COMPANY_TEXTS),
            array(values.get("tags")),
            document(values.get("fields")),
        ]
        for place, values in enumerate(batch.companies)
    )


def staged_people(batch: Batch, ids: list[UUID]) -> bytes:
    """The contacts of a batch as COPY takes them."""
    return copy_lines(
        [
            *_texts(place, ids[place], person.values, PERSON_TEXTS),
            NULL if person.business is None else str(person.business),
            array(person.values.get("tags")),
            array(person.values.get("topics")),
            document(person.values.get("fields")),
        ]
        for place, person in enumerate(batch.people)
    )


def _texts(place: int, id: UUID, values: Values, names: tuple[str, ...]) -> list[str]:
    get = values.get
    return [str(place), str(id), *[get(name, NULL) for name in names]]
