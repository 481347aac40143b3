"""A chunk's rows, staged in temporary tables, matched with what is there, and written in sets."""

from __future__ import annotations

from collections.abc import Collection
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
    session, known = services.session, {"tenant": services.workspace_id}
    by = known | {"user": services.user_id}
    written = Written()
    said_by(services, "import")
    found, owned = _matched(services, chunk, written)
    tags: dict[UUID, list[str]] = {}
    if found:
        session.execute(sql.SETTLE_CONTACTS)
        held = session.execute(sql.LOCK_CONTACTS, known | {"ids": list(found.values())})
        tags = {row.id: row.tags for row in held}
    if owned:
        session.execute(sql.LOCK_BUSINESSES, known | {"ids": list(owned.values())})
    session.execute(sql.INSERT_BUSINESSES, by)
    written.companies_created = set(range(len(chunk.companies))) - owned.keys()
    update = options["update_existing"]
    if owned and update:
        changed = {row.id for row in session.execute(sql.UPDATE_BUSINESSES, known)}
        written.companies_updated = {place for place, id in owned.items() if id in changed}
    session.execute(sql.INSERT_CONTACTS, by | {"consent": options["consent"]})
    changed_people: dict[UUID, list[str]] = {}
    if found and update:
        changed_people = {row.id: row.tags for row in session.execute(sql.UPDATE_CONTACTS, known)}
    written.tagged = [
        (id, tag) for id, now in changed_people.items() for tag in now if tag not in tags.get(id, ())
    ]
    _sort_people(written, chunk.people, found, changed_people)
    return written


def _matched(services: Services, chunk: Chunk, written: Written) -> tuple[dict[int, UUID], dict[int, UUID]]:
    """Stage the chunk; the contacts and the businesses that are there already, by place. Clashes are dropped."""
    session, known = services.session, {"tenant": services.workspace_id}
    session.execute(sql.STAGES)
    copy_in(session, "import_businesses", COMPANY_COLUMNS, chunk.staged_companies)
    copy_in(session, "import_contacts", PERSON_COLUMNS, chunk.staged_people)
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
    return found, {row.n: row.found for row in session.execute(sql.MATCHED_BUSINESSES)}


def _sort_people(
    written: Written, people: list[UUID], found: dict[int, UUID], changed: Collection[UUID]
) -> None:
    for place, id in enumerate(people):
        if place in written.clashes:
            continue
        if place not in found:
            written.created[place] = id
        elif found[place] in changed:
            written.updated[place] = found[place]
        else:
            written.unchanged[place] = found[place]


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
