"""Verbs of imports: take a file, say what its columns are, try it, start it, stop it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy import text as sql_text
from sqlalchemy.exc import IntegrityError

from autoloop.base.errors import Conflict, Invalid
from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.businesses.csvfile import NotCsv, Probe, detect, guess_mapping
from autoloop.businesses.formulas import guard
from autoloop.businesses.models import IMPORT_TRANSITIONS, Import, ImportReject
from autoloop.businesses.services.imports.chunk import COUNTS, write_chunk
from autoloop.businesses.services.imports.pieces import forget_pieces, store_pieces
from autoloop.businesses.services.imports.reading import Reading, kind_of
from autoloop.businesses.services.imports.targets import check_mapping, check_options, new_fields
from autoloop.businesses.services.records import held
from autoloop.businesses.services.vocabulary import Fields

__all__ = ["Imports"]

PREVIEWED = 2000
SAMPLES = 20
NO_COUNTS = dict.fromkeys(COUNTS, 0)


class Imports(Service):
    """Files on their way in. `create` → `remap` → `preview` → `start`; a worker does the rest."""

    def rows(self) -> Any:
        return select(Import).where(Import.workspace_id == self.workspace_id)

    def find(self, id: UUID) -> Import | None:
        return self.session.get(Import, (self.workspace_id, id))

    def create(
        self,
        file_name: str,
        pieces: Iterable[bytes],
        *,
        encoding: str | None = None,
        delimiter: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Import:
        """Take a file, piece by piece, and guess what its columns are.

        Raises Invalid (code NOT_CSV) if it is no table, TooLarge if it is over the setting import_file_mb.
        """
        row = Import(
            workspace_id=self.workspace_id,
            id=new_id(),
            file_name=_file_name(file_name),
            user_id=self.services.user_id,
            bytes_total=0,
            options=check_options(options or {}),
        )
        self.add(row)
        stored = store_pieces(self.services, row.id, pieces, self.settings.import_file_mb * 1_000_000)
        try:
            probe = detect(stored.head, is_utf8=stored.is_utf8, encoding=encoding, delimiter=delimiter)
        except NotCsv as error:
            raise Invalid(str(error), code="NOT_CSV", details={"file": [str(error)]}) from None
        row.bytes_total = stored.size
        row.bytes_done, row.line = probe.format.offset, probe.format.line
        row.format = probe.format.plain() | {"samples": _kept_samples(probe)}
        row.columns = probe.columns
        row.mapping = guess_mapping(probe.columns, probe.samples, self.services(Fields).titles())
        row.counts = NO_COUNTS
        row.rows_total = max(stored.newlines - probe.format.line + 1, len(probe.samples))
        self.session.flush()
        return row

    def remap(
        self, row: Import, mapping: Mapping[str, str], options: Mapping[str, Any] | None = None
    ) -> Import:
        """Say what each column becomes ("" or nothing: left out). Raises Invalid by column."""
        held(self.session, row)
        if row.status != "ready":
            raise Conflict(f"An import that is {row.status} cannot be mapped again.", code="WRONG_STATUS")
        row.mapping = check_mapping(row.columns, mapping)
        if options is not None:
            row.options = check_options({**row.options, **options})
        self.session.flush()
        return row

    def preview(self, row: Import, rows: int = PREVIEWED) -> dict[str, Any]:
        """What the import would do, tried on the first rows and taken back: counts, samples, rejects.

        `whole` says whether these rows are the whole file.
        """
        check_mapping(row.columns, row.mapping)
        reading = Reading(self.services, row)
        chunk = reading.read(self.services, row.bytes_done, row.line, rows)
        attempt = self.session.begin_nested()
        try:
            result = write_chunk(self.services, row.id, chunk, reading.options, samples=SAMPLES, trial=True)
        except IntegrityError:
            raise Conflict("The same contacts are being changed right now. Try again shortly.") from None
        finally:
            attempt.rollback()
        self.session.refresh(row)
        titles = self.services(Fields).titles()
        return {
            "rows": result.rows,
            "whole": result.finished,
            "counts": result.counts,
            "samples": result.samples,
            "rejects": [
                {"line": each.line, "reason": each.reason, "cells": [cell[:200] for cell in each.cells[:50]]}
                for each in result.rejects[:SAMPLES]
            ],
            "new_fields": [
                {"target": target, "column": column, "kind": kind_of(row, column)}
                for target, column in new_fields(row.mapping, titles).items()
            ],
        }

    def start(self, row: Import) -> Import:
        """Make it due, with the custom fields it needs. A failed one goes on where it stopped."""
        self._to(row, "running")
        check_mapping(row.columns, row.mapping)
        fields = self.services(Fields)
        for target, column in new_fields(row.mapping, fields.titles()).items():
            owner = "business" if target.startswith("business.") else "contact"
            fields.create(owner, target.rpartition(".")[2], column[:100], kind_of(row, column))
        row.started_at = row.started_at or self.clock.now()
        row.due_at, row.attempts, row.problem, row.finished_at = self.clock.now(), 0, "", None
        row.lease_until = None
        self.session.flush()
        self.services.nudge("import")
        return row

    def cancel(self, row: Import) -> Import:
        """Stop it. What was taken in stays."""
        self._to(row, "cancelled")
        row.due_at, row.finished_at = None, self.clock.now()
        forget_pieces(self.services, row.id)
        self.session.flush()
        return row

    def delete(self, row: Import) -> None:
        """Forget the import and its rejects. What was taken in stays."""
        held(self.session, row)
        if row.status == "running":
            raise Conflict("The import is running. Cancel it first.")
        self.session.delete(row)
        self.session.flush()

    def rejects(self, row: Import, most: int = 50) -> list[ImportReject]:
        """The first rows that were not taken."""
        table = ImportReject
        mine = select(table).where(table.workspace_id == self.workspace_id, table.import_id == row.id)
        return list(self.session.scalars(mine.order_by(table.line, table.id).limit(most)))

    def rejects_csv(self, row: Import) -> Iterator[bytes]:
        """All rows that were not taken, as a CSV file: line, reason, and the row as it was.

        Put right, the file can be imported: it has the same columns after the first two.
        """
        yield b"\xef\xbb\xbf" + _line(["line", "reason", *row.columns])
        table = ImportReject
        last_line, last_id = -1, UUID(int=0)
        while True:
            after = sql_text("(line, id) > (:line, :id)").bindparams(line=last_line, id=last_id)
            statement = select(table.line, table.reason, table.cells, table.id).where(
                table.workspace_id == self.workspace_id, table.import_id == row.id, after
            )
            rows = self.session.execute(statement.order_by(table.line, table.id).limit(1000)).all()
            if not rows:
                return
            yield b"".join(_line([str(each.line), each.reason, *each.cells]) for each in rows)
            last_line, last_id = rows[-1].line, rows[-1].id

    def _to(self, row: Import, status: str) -> None:
        # The worker may be ending it at this moment: look at the row as it is now, and hold it.
        held(self.session, row)
        if status not in IMPORT_TRANSITIONS[row.status]:
            raise Conflict(f"An import that is {row.status} cannot become {status}.", code="WRONG_STATUS")
        row.status = status


def _file_name(name: str) -> str:
    name = name.replace("\\", "/").rpartition("/")[2].replace("\0", "").strip()
    return name[-200:] or "import.csv"


def _kept_samples(probe: Probe) -> list[list[str]]:
    return [[cell.replace("\0", "\ufffd")[:200] for cell in row] for row in probe.samples]


def _line(cells: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow([guard(cell) for cell in cells])
    return out.getvalue().encode("utf-8", "replace")
