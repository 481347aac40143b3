"""Lists of suppressed addresses as CSV: taken in with reasons, rejects told; and given out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import text

from autoloop.base.errors import Invalid, TooLarge
from autoloop.base.i18n import _
from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.businesses.formulas import guard
from autoloop.mail.addresses import address_hash, checked_target, normalised
from autoloop.mail.models import REASONS, Suppression
from autoloop.mail.services.suppressions import Suppressions
from autoloop.workspaces.services import WorkspaceAudit

__all__ = ["MOST_LINES", "MOST_OCTETS", "SuppressionFiles", "too_long"]

# One request takes the whole list, or none of it: as many lines as are surely written before anybody gives up.
MOST_LINES = 100_000
MOST_OCTETS = 10_000_000
MOST_TOLD = 100
BATCH = 1000
COLUMNS = ("address", "reason", "note")
ADD = text("""
insert into suppressions (workspace_id, id, address_hash, address, reason, note, user_id)
select :workspace, u.id, u.hash, u.address, u.reason, u.note, :user
from unnest(cast(:ids as uuid[]), cast(:hashes as bytea[]), cast(:addresses as text[]), cast(:reasons as text[]),
  cast(:notes as text[])) u(id, hash, address, reason, note) order by u.hash, u.reason
on conflict (workspace_id, address_hash, reason) do nothing""")
NAMES = {"email": "address", "e-mail": "address", "email address": "address", "domain": "address"}


class SuppressionFiles(Service):
    """Import and export. Nobody's address is read from a file that is not UTF-8 or has no such column."""

    def take(self, raw: bytes) -> dict[str, Any]:
        """Add every address or domain of a CSV file with the columns address (or email), reason, note; the
        reason is `manual` where none is given. Lines that cannot be used are told, the others are kept. A list
        of more than MOST_LINES leaves nothing.

        Returns {"read", "added", "known", "rejected": [{"line", "value", "message"}], "rejects"}. Raises Invalid, TooLarge.
        """
        rejected: list[dict[str, Any]] = []
        read = rejects = added = 0
        with self.session.begin_nested():  # a file that turns out to be no list leaves nothing
            for lines in _handfuls(self._rows(raw)):
                if read + len(lines) > MOST_LINES:
                    raise too_long()
                found: dict[tuple[bytes, str], dict[str, Any]] = {}
                for line, row in lines:
                    read += 1
                    try:
                        values = self._values(row)
                    except Invalid as error:
                        rejects += 1
                        if len(rejected) < MOST_TOLD:
                            message = next(iter(error.details.values()))[0]
                            value = row.get("address", "")[:200]
                            rejected.append({"line": line, "value": value, "message": message})
                        continue
                    found.setdefault((values["hash"], values["reason"]), values)
                added += self._add(list(found.values()))
        self.services(WorkspaceAudit).note("suppressions.imported", added=added, rejects=rejects)
        known = read - rejects - added
        return {"read": read, "added": added, "known": known, "rejects": rejects, "rejected": rejected}

    def give(self) -> Iterator[bytes]:
        """All of the list as CSV, oldest first; erased addresses are left out, for they are not known."""
        self.services(WorkspaceAudit).note("suppressions.exported")
        rows = self.services(Suppressions).rows().order_by(Suppression.id)
        yield _line([*COLUMNS, "since"])
        for row in self.session.execute(rows.execution_options(yield_per=BATCH)):
            if row.address:
                yield _line([guard(row.address), row.reason, guard(row.note), row.created_at.isoformat()])

    def _rows(self, raw: bytes) -> Iterator[tuple[int, dict[str, str]]]:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Invalid(details={"file": [_("The file is not UTF-8.")]}) from None
        if "\x00" in text:
            raise Invalid(details={"file": [_("The file holds NUL characters.")]})
        first = text.partition("\n")[0]
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
        try:
            head: list[str] | None = None
            for line in reader:
                if not any(cell.strip() for cell in line):
                    continue
                if head is None:
                    head, is_named = _head(line)
                    if is_named:
                        continue
                yield reader.line_num, dict(zip(head, line, strict=False))
        except csv.Error:
            raise Invalid(details={"file": [_("The file is no CSV.")]}) from None
        if head is None:
            raise Invalid(details={"file": [_("The file is empty.")]})

    def _values(self, row: dict[str, str]) -> dict[str, Any]:
        given = row.get("address", "").strip()
        address = checked_target(given[1:] if given[:2] in ("'@", "'=", "'+", "'-") else given)
        reason = row.get("reason", "").strip().lower() or "manual"
        if reason not in REASONS:
            raise Invalid(details={"reason": [_("There is no such reason.")]})
        return {
            "id": new_id(),
            "hash": address_hash(self.workspace_id, address),
            "address": normalised(address),
            "reason": reason,
            "note": " ".join(row.get("note", "").split())[:500],
        }

    def _add(self, found: list[dict[str, Any]]) -> int:
        """How many of these are new."""
        given = {"workspace": self.workspace_id, "user": self.services.user_id}
        names = (
            ("ids", "id"),
            ("hashes", "hash"),
            ("addresses", "address"),
            ("reasons", "reason"),
            ("notes", "note"),
        )
        columns = {column: [each[name] for each in found] for column, name in names}
        return int(self.session.execute(ADD, given | columns).rowcount)  # type: ignore[attr-defined]


def _handfuls(rows: Iterator[tuple[int, dict[str, str]]]) -> Iterator[list[tuple[int, dict[str, str]]]]:
    while some := list(islice(rows, BATCH)):
        yield some


def _head(line: list[str]) -> tuple[list[str], bool]:
    """The columns of a file by its first line, and whether that names them: a bare list of addresses has no names."""
    head = [NAMES.get(cell.strip().lower(), cell.strip().lower()) for cell in line]
    if "address" in head:
        return head, True
    if "@" not in line[0]:
        raise Invalid(details={"file": [_("The file needs a column “address” or “email”.")]})
    # A later part of a list that was cut: its columns are those of a list that we gave.
    return (list(COLUMNS) if line[1:] and line[1].strip().lower() in REASONS else ["address"]), False


def too_long() -> TooLarge:
    """What to do with a list that is too long for one request."""
    parts = {"lines": f"{MOST_LINES:,}", "count": MOST_LINES, "size": MOST_OCTETS // 1_000_000}
    return TooLarge(
        _(
            "A list may have ${lines} lines and ${size} MB at a time. Cut it in parts (split -l ${count} list.csv) and "
            "send them one after the other: what is known already is not added twice.",
            mapping=parts,
        )
    )


def _line(cells: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().encode()
