"""A chunk of a file, read and checked: all the work of a chunk that needs no transaction of its own.

While one chunk is written, the next is read by another thread: PostgreSQL and Python then work side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select

from autoloop.base.ids import new_id
from autoloop.base.services import Services
from autoloop.businesses.csvfile import Format, Record, Records
from autoloop.businesses.csvfile.columns import guess_kind
from autoloop.businesses.models import Import, Topic
from autoloop.businesses.services.imports.batch import Batch
from autoloop.businesses.services.imports.pieces import read_pieces
from autoloop.businesses.services.imports.rows import BadRow, RowReader
from autoloop.businesses.services.imports.staging import staged_companies, staged_people
from autoloop.businesses.services.imports.targets import check_options, new_fields
from autoloop.businesses.services.vocabulary import Fields
from autoloop.businesses.values import FieldType, clean_words

__all__ = ["Chunk", "Reading", "Reject", "kept_cells", "kind_of"]

MOST_BYTES = 4_000_000  # of one chunk: rows may be long


@dataclass(frozen=True, slots=True)
class Reject:
    """A row not taken."""

    line: int
    reason: str
    cells: list[str]


@dataclass
class Chunk:
    """Records from byte `start`, in line `first_line`, to `offset`, which begins `line`.

    With ids for what may be new, and the rows to stage.
    """

    start: int
    first_line: int
    offset: int
    line: int
    rows: int
    finished: bool
    batch: Batch
    rejects: list[Reject]
    people: list[UUID] = field(default_factory=list)
    companies: list[UUID] = field(default_factory=list)
    staged_people: bytes = b""
    staged_companies: bytes = b""


class Reading:
    """How an import's file is read: made once, then used chunk after chunk, from any thread."""

    def __init__(self, services: Services, row: Import) -> None:
        self.import_id = row.id
        self.format = Format(**{name: row.format[name] for name in Format.__slots__})
        self.options = check_options(row.options)
        self.tags = clean_words(self.options["tags"], "tags")
        self.reader = _row_reader(services, row, clear=self.options["empty"] == "clear")

    def read(self, services: Services, offset: int, line: int, limit: int) -> Chunk:
        """Up to `limit` records, or some MB, from byte `offset`, which begins `line`."""
        records = Records(read_pieces(services, self.import_id, offset), self.format, offset, line)
        batch, rejects, count, finished = Batch(), [], 0, True
        for record in records:
            count += 1
            reason = record.problem or self._take(batch, record)
            if reason:
                rejects.append(Reject(record.line, reason, kept_cells(record.cells)))
            if count >= limit or records.offset - offset >= MOST_BYTES:
                finished = False
                break
        chunk = Chunk(offset, line, records.offset, records.line, count, finished, batch, rejects)
        chunk.people = [new_id() for _ in batch.people]
        chunk.companies = [new_id() for _ in batch.companies]
        chunk.staged_people = staged_people(batch, chunk.people)
        chunk.staged_companies = staged_companies(batch, chunk.companies)
        return chunk

    def _take(self, batch: Batch, record: Record) -> str:
        try:
            row = self.reader.read(record.line, record.cells)
            if self.tags and row.contact:
                row.contact["tags"] = sorted({*row.contact.get("tags", ()), *self.tags})
            batch.add(row)
        except BadRow as error:
            return str(error)
        return ""


def kept_cells(cells: list[str]) -> list[str]:
    """What is kept of a refused row: what the database can hold, and not more than anyone reads."""
    return [cell.replace("\0", "\ufffd")[:10_000] for cell in cells[:500]]


def kind_of(row: Import, column: str) -> str:
    """The kind of a new field, guessed from the samples kept at upload."""
    index = row.columns.index(column)
    return guess_kind([cells[index] for cells in row.format.get("samples", []) if index < len(cells)])


def _row_reader(services: Services, row: Import, *, clear: bool) -> RowReader:
    contact, business = _field_types(services, row)
    topics: dict[str, str] = {}
    if "topics" in row.mapping.values():
        statement = select(Topic.key, Topic.name).where(Topic.workspace_id == services.workspace_id)
        for key, name in services.session.execute(statement):
            topics |= {key.casefold(): key, " ".join(name.split()).casefold(): key}
    return RowReader(row.columns, row.mapping, contact, business, topics, clear_empty=clear)


def _field_types(services: Services, row: Import) -> tuple[dict[str, FieldType], dict[str, FieldType]]:
    """Types of the fields of contacts and of businesses, those that the mapping would make included."""
    fields = services(Fields)
    contact, business = fields.types("contact"), fields.types("business")
    known = {f"fields.{key}": key for key in contact} | {f"business.fields.{key}": key for key in business}
    for target, column in new_fields(row.mapping, known).items():
        types = business if target.startswith("business.") else contact
        types[target.rpartition(".")[2]] = FieldType(kind_of(row, column))
    return contact, business
