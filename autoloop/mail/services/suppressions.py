"""Suppressions: addresses and domains that must not be mailed, and why."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.dialects.postgresql import insert

from autoloop.base.errors import NotFound
from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.mail.addresses import EVERYWHERE, address_hash, checked_target, normalised, reasons_sql
from autoloop.mail.models import InstanceSuppression, Suppression
from autoloop.workspaces.services import WorkspaceAudit

__all__ = ["InstanceSuppressions", "Suppressions"]

REASONS_OF = text(
    f"select {reasons_sql('w.id', 'cast(:address as text)')} from workspaces w where w.id = :workspace"
)


class Suppressions(Service):
    """The workspace's list. An address may be on it for several reasons."""

    def rows(self) -> Select[Any]:
        fields = ("id", "address", "reason", "note", "email_id", "user_id", "created_at")
        return select(*(getattr(Suppression, field) for field in fields)).where(
            Suppression.workspace_id == self.workspace_id
        )

    def find(self, id: UUID) -> Any | None:
        return self.session.execute(self.rows().where(Suppression.id == id)).one_or_none()

    def of_address(self, address: str) -> list[str]:
        """The reasons why the workspace itself must not mail this address."""
        digest = address_hash(self.workspace_id, address)
        return list(
            self.session.scalars(
                select(Suppression.reason)
                .where(Suppression.workspace_id == self.workspace_id, Suppression.address_hash == digest)
                .order_by(Suppression.reason)
            )
        )

    def reasons(self, address: str) -> list[str]:
        """All reasons: the address's, its domain's, and `instance` for the installation's list."""
        given = {"workspace": self.workspace_id, "address": normalised(address)}
        return sorted(self.session.scalar(REASONS_OF, given) or [])

    def suppress(
        self, address: str, reason: str = "manual", *, note: str = "", email_id: UUID | None = None
    ) -> Any:
        """Put an address or a domain (`@example.org`) on the list; nothing happens if it is there for this
        reason already. Raises Invalid for what a person gave and nobody can mail."""
        if reason == "manual":
            address = checked_target(address)
        digest = address_hash(self.workspace_id, address)
        values = {
            "workspace_id": self.workspace_id,
            "id": new_id(),
            "address_hash": digest,
            "address": normalised(address),
            "reason": reason,
            "note": note,
            "email_id": email_id,
            "user_id": self.services.user_id,
        }
        unique = ["workspace_id", "address_hash", "reason"]
        self.session.execute(insert(Suppression).values(values).on_conflict_do_nothing(index_elements=unique))
        if reason == "manual":
            self.services(WorkspaceAudit).note("suppression.added", subject=address)
        mine = (Suppression.address_hash == digest, Suppression.reason == reason)
        return self.session.execute(self.rows().where(*mine)).one()

    def lift(self, id: UUID) -> None:
        """Take one reason off the list. What the person asked for themselves is theirs to take back,
        so this is written into the audit."""
        row = self.session.get_one(Suppression, (self.workspace_id, id))
        self.services(WorkspaceAudit).note("suppression.lifted", subject=row.address or "", reason=row.reason)
        self.session.delete(row)
        self.session.flush()

    def take_back(self, address: str) -> None:
        """The person themselves wants mail again: only what they had said is lifted."""
        digest = address_hash(self.workspace_id, address)
        mine = (Suppression.workspace_id == self.workspace_id, Suppression.address_hash == digest)
        for row in self.session.scalars(
            select(Suppression).where(*mine, Suppression.reason == "unsubscribed")
        ):
            self.session.delete(row)
        self.session.flush()


class InstanceSuppressions(Service):
    """What no workspace of this installation may mail. For its administrators."""

    def rows(self) -> Select[Any]:
        table = InstanceSuppression
        return select(table.id, table.address, table.note, table.user_id, table.created_at)

    def find(self, id: UUID) -> Any | None:
        return self.session.execute(self.rows().where(InstanceSuppression.id == id)).one_or_none()

    def suppress(self, address: str, *, note: str = "") -> Any:
        """Put an address or a domain on the list; nothing happens if it is there. Raises Invalid."""
        address = checked_target(address)
        values = {
            "id": new_id(),
            "address_hash": address_hash(EVERYWHERE, address),
            "address": normalised(address),
            "note": note,
            "user_id": self.services.user_id,
        }
        statement = insert(InstanceSuppression).values(values)
        self.session.execute(statement.on_conflict_do_nothing(index_elements=["address_hash"]))
        mine = InstanceSuppression.address_hash == values["address_hash"]
        return self.session.execute(self.rows().where(mine)).one()

    def lift(self, id: UUID) -> None:
        """Take it off the list. Raises NotFound."""
        row = self.session.get(InstanceSuppression, id)
        if row is None:
            raise NotFound
        self.session.delete(row)
        self.session.flush()
