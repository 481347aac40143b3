"""One chunk written, with its events and its rejects. All in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.events import Event, emit
from autoloop.base.ids import new_id
from autoloop.base.services import Services
from autoloop.businesses.services.imports.batch import Batch
from autoloop.businesses.services.imports.reading import Chunk, Reject, kept_cells
from autoloop.businesses.services.imports.staging import Written, write
from autoloop.businesses.services.records import changed_names
from autoloop.businesses.services.vocabulary import insert_tags

__all__ = ["COUNTS", "Result", "keep_rejects", "write_chunk"]

COUNTS = (
    "created",
    "updated",
    "unchanged",
    "rejected",
    "repeated",
    "businesses_created",
    "businesses_updated",
)

KEEP_REJECTS = text("""
insert into import_rejects (workspace_id, id, import_id, line, reason, cells)
select :tenant, r.id, :import, r.line, r.reason, r.cells
from jsonb_to_recordset(cast(:rows as jsonb)) r(id uuid, line bigint, reason text, cells jsonb)""")


@dataclass
class Result:
    """What a chunk did. `rows` counts records read; `finished` says that the file has no more."""

    rows: int
    offset: int
    line: int
    finished: bool
    counts: dict[str, int]
    rejects: list[Reject] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)


def write_chunk(
    services: Services,
    import_id: UUID,
    chunk: Chunk,
    options: dict[str, Any],
    *,
    samples: int = 0,
    trial: bool = False,
) -> Result:
    """Write what was read. A trial tells no events: the caller takes everything back."""
    batch, rejects = chunk.batch, list(chunk.rejects)
    done = write(services, chunk, options) if batch.people or batch.companies else Written()
    for place in done.clashes:
        person = batch.people[place]
        why = "the email address belongs to a contact with another external id"
        rejects.append(Reject(person.row.line, why, kept_cells(person.row.cells)))
    rejects.sort(key=lambda reject: reject.line)
    if not trial:
        _tell(services, import_id, batch, done, told=not options["quiet"])
    result = Result(
        chunk.rows, chunk.offset, chunk.line, chunk.finished, _counts(batch, done, rejects), rejects
    )
    if samples:
        result.samples = _samples(batch, done, samples)
    return result


def keep_rejects(services: Services, import_id: UUID, rejects: list[Reject]) -> None:
    """Keep rows that were not taken, for download."""
    # No COPY: PostgreSQL refuses it where row-level security holds.
    rows = [
        {
            "id": new_id(),
            "line": each.line,
            "reason": each.reason.replace("\0", "\ufffd"),
            "cells": each.cells,
        }
        for each in rejects
    ]
    if rows:
        values = {"tenant": services.workspace_id, "import": import_id, "rows": orjson.dumps(rows).decode()}
        services.session.execute(KEEP_REJECTS, values)


def _counts(batch: Batch, done: Written, rejects: list[Reject]) -> dict[str, int]:
    counts = {
        "created": len(done.created),
        "updated": len(done.updated),
        "unchanged": len(done.unchanged),
        "rejected": len(rejects),
        "repeated": batch.repeated,
        "businesses_created": len(done.companies_created),
        "businesses_updated": len(done.companies_updated),
    }
    for company in batch.alone:
        counts[_company_outcome(company, done)] += 1
    return counts


def _company_outcome(company: int | None, done: Written) -> str:
    if company in done.companies_created:
        return "created"
    return "updated" if company in done.companies_updated else "unchanged"


def _tell(services: Services, import_id: UUID, batch: Batch, done: Written, *, told: bool) -> None:
    tenant = services.workspace_id
    people = [batch.people[place].values for place in (*done.created, *done.updated)]
    tags = {tag for values in (*people, *batch.companies) for tag in values.get("tags", ())}
    insert_tags(services.session, ((tenant, tag) for tag in tags))
    if told:
        said = {"source": "import", "import_id": str(import_id)}
        events = [
            Event(
                tenant,
                "contact.created",
                id,
                {**said, "tags": batch.people[place].values.get("tags", [])},
                "import",
            )
            for place, id in done.created.items()
        ]
        events += [
            Event(
                tenant,
                "contact.updated",
                id,
                {**said, "fields": _named(batch.people[place].values)},
                "import",
            )
            for place, id in done.updated.items()
        ]
        events += [Event(tenant, "tag.added", id, {"tag": tag}, "import") for id, tag in done.tagged]
        emit(services, events)
    services.changed("contacts", "businesses", "tags")


def _named(values: dict[str, Any]) -> list[str]:
    """Fields that a changed row gives: which of them differed only the database knows."""
    columns = {"consent_marketing" if name == "consent" else name for name in values}
    custom = [f"fields.{key}" for key in values.get("fields", ())]
    return sorted([*changed_names(columns, {}, {}), *custom])


def _samples(batch: Batch, done: Written, most: int) -> list[dict[str, Any]]:
    found = []
    for place, person in enumerate(batch.people[:most]):
        outcome = "created" if place in done.created else "updated" if place in done.updated else "unchanged"
        business = batch.companies[person.business] if person.business is not None else {}
        found.append(
            {
                "line": person.row.line,
                "outcome": "rejected" if place in done.clashes else outcome,
                "contact": {name: value for name, value in person.values.items() if name != "email_normal"},
                "business": dict(business),
            }
        )
    for place, row in list(batch.alone.items())[: most - len(found)]:
        found.append(
            {
                "line": row.line,
                "outcome": _company_outcome(place, done),
                "contact": {},
                "business": dict(row.business),
            }
        )
    return sorted(found, key=lambda sample: sample["line"])
