"""One chunk of a file: read, checked, written, its rejects kept. All in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, text

from autoloop.base.events import Event, emit
from autoloop.base.ids import new_id
from autoloop.base.services import Services
from autoloop.businesses.csvfile import Format, Record, Records
from autoloop.businesses.csvfile.columns import guess_kind
from autoloop.businesses.models import Import, Topic
from autoloop.businesses.services.imports.batch import Batch
from autoloop.businesses.services.imports.pieces import read_pieces
from autoloop.businesses.services.imports.rows import BadRow, RowReader
from autoloop.businesses.services.imports.staging import Written, write
from autoloop.businesses.services.imports.targets import check_options, new_fields
from autoloop.businesses.services.vocabulary import Fields, insert_tags
from autoloop.businesses.values import FieldType, clean_words

__all__ = ["COUNTS", "Reject", "Result", "run_chunk"]

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


@dataclass(frozen=True, slots=True)
class Reject:
    line: int
    reason: str
    cells: list[str]


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


def run_chunk(
    services: Services, row: Import, limit: int, *, samples: int = 0, quiet: bool = False
) -> Result:
    """Read and write up to `limit` records from where the import stands. Does not move the import on."""
    reader = _reader(services, row)
    options = check_options(row.options)
    form = Format(**{name: row.format[name] for name in Format.__slots__})
    records = Records(read_pieces(services, row.id, row.bytes_done), form, row.bytes_done, row.line)
    batch, rejects, count = Batch(), [], 0
    extra = clean_words(options["tags"], "tags")
    for record in _some(records, limit):
        count += 1
        reason = record.problem
        if not reason:
            try:
                read = reader.read(record.line, record.cells)
                if extra and read.contact:
                    read.contact["tags"] = sorted({*read.contact.get("tags", ()), *extra})
                batch.add(read)
                continue
            except BadRow as error:
                reason = str(error)
        rejects.append(Reject(record.line, reason, _kept(record.cells)))
    done = write(services, batch, options) if batch.people or batch.companies else Written()
    for place in done.clashes:
        person = batch.people[place]
        why = "the email address belongs to a contact with another external id"
        rejects.append(Reject(person.row.line, why, _kept(person.row.cells)))
    rejects.sort(key=lambda reject: reject.line)
    if not quiet:
        _tell(services, row, batch, done, told=not options["quiet"])
    result = Result(
        count, records.offset, records.line, count < limit, _counts(batch, done, rejects), rejects
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


def field_types(services: Services, row: Import) -> tuple[dict[str, FieldType], dict[str, FieldType]]:
    """Types of the fields of contacts and of businesses, those that the mapping would make included."""
    fields = services(Fields)
    contact, business = fields.types("contact"), fields.types("business")
    known = {f"fields.{key}": key for key in contact} | {f"business.fields.{key}": key for key in business}
    for target, column in new_fields(row.mapping, known).items():
        types = business if target.startswith("business.") else contact
        types[target.rpartition(".")[2]] = FieldType(kind_of(row, column))
    return contact, business


def kind_of(row: Import, column: str) -> str:
    """The kind of a new field, guessed from the samples kept at upload."""
    index = row.columns.index(column)
    return guess_kind([cells[index] for cells in row.format.get("samples", []) if index < len(cells)])


def _reader(services: Services, row: Import) -> RowReader:
    contact, business = field_types(services, row)
    topics: dict[str, str] = {}
    if "topics" in row.mapping.values():
        statement = select(Topic.key, Topic.name).where(Topic.workspace_id == services.workspace_id)
        for key, name in services.session.execute(statement):
            topics |= {key.casefold(): key, " ".join(name.split()).casefold(): key}
    clear = check_options(row.options)["empty"] == "clear"
    return RowReader(row.columns, row.mapping, contact, business, topics, clear_empty=clear)


def _some(records: Records, limit: int) -> Iterator[Record]:
    return islice(iter(records), limit)


def _kept(cells: list[str]) -> list[str]:
    return [cell.replace("\0", "\ufffd")[:10_000] for cell in cells[:500]]


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


def _tell(services: Services, row: Import, batch: Batch, done: Written, *, told: bool) -> None:
    tenant = services.workspace_id
    people = [batch.people[place].values for place in (*done.created, *done.updated)]
    tags = {tag for values in (*people, *batch.companies) for tag in values.get("tags", ())}
    insert_tags(services.session, ((tenant, tag) for tag in tags))
    if told:
        said = {"source": "import", "import_id": str(row.id)}
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
        events += [Event(tenant, "contact.updated", id, said, "import") for id in done.updated.values()]
        events += [Event(tenant, "tag.added", id, {"tag": tag}, "import") for id, tag in done.tagged]
        emit(services, events)
    services.changed("contacts", "businesses", "tags")


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
