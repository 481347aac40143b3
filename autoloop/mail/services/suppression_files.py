"""Lists of suppressed addresses as CSV: taken in with reasons, rejects told; and given out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.businesses.formulas import guard
from autoloop.mail.addresses import address_hash, checked_target, normalised
from autoloop.mail.models import REASONS, Suppression
from autoloop.mail.services.suppressions import Suppressions
from autoloop.workspaces.services import WorkspaceAudit

__all__ = ["MOST_OCTETS", "SuppressionFiles"]

MOST_OCTETS = 20_000_000
MOST_TOLD = 100
BATCH = 1000
COLUMNS = ("address", "reason", "note")
NAMES = {"email": "address", "e-mail": "address", "email address": "address", "domain": "address"}


class SuppressionFiles(Service):
    """Import and export. Nobody's address is read from a file that is not UTF-8 or has no such column."""

    def take(self, raw: bytes) -> dict[str, Any]:
        """Add every address or domain of a CSV file with the columns address (or email), reason, note; the
        reason is `manual` where none is given. Lines that cannot be used are told, the others are kept.

        Returns {"read", "added", "known", "rejected": [{"line", "value", "message"}], "rejects"}. Raises Invalid.
        """
        rows = self._rows(raw)
        seen: dict[tuple[bytes, str], dict[str, Any]] = {}
        rejected: list[dict[str, Any]] = []
        read = rejects = 0
        for line, row in rows:
            read += 1
            try:
                values = self._values(row)
            except Invalid as error:
                rejects += 1
                if len(rejected) < MOST_TOLD:
                    message = next(iter(error.details.values()))[0]
                    rejected.append({"line": line, "value": row.get("address", "")[:200], "message": message})
                continue
            seen.setdefault((values["address_hash"], values["reason"]), values)
        given, added = list(seen.values()), 0
        for start in range(0, len(given), BATCH):
            statement = insert(Suppression).values(given[start : start + BATCH]).on_conflict_do_nothing()
            added += len(self.session.execute(statement.returning(Suppression.id)).all())
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
            lines = [(reader.line_num, line) for line in reader if any(cell.strip() for cell in line)]
        except csv.Error:
            raise Invalid(details={"file": [_("The file is no CSV.")]}) from None
        if not lines:
            raise Invalid(details={"file": [_("The file is empty.")]})
        head = [NAMES.get(cell.strip().lower(), cell.strip().lower()) for cell in lines[0][1]]
        if "address" not in head:
            if "@" not in lines[0][1][0]:
                raise Invalid(details={"file": [_("The file needs a column “address” or “email”.")]})
            head = ["address"]  # a bare list of addresses
        else:
            lines = lines[1:]
        return ((number, dict(zip(head, line, strict=False))) for number, line in lines)

    def _values(self, row: dict[str, str]) -> dict[str, Any]:
        given = row.get("address", "").strip()
        address = checked_target(given[1:] if given[:2] in ("'@", "'=", "'+", "'-") else given)
        reason = row.get("reason", "").strip().lower() or "manual"
        if reason not in REASONS:
            raise Invalid(details={"reason": [_("There is no such reason.")]})
        return {
            "workspace_id": self.workspace_id,
            "id": new_id(),
            "address_hash": address_hash(self.workspace_id, address),
            "address": normalised(address),
            "reason": reason,
            "note": row.get("note", "").strip()[:500],
            "user_id": self.services.user_id,
        }


def _line(cells: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().encode()
