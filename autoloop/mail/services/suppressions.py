"""Suppressions: addresses that must not be mailed, and why."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert

from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.mail.addresses import address_hash, checked_address, normalised
from autoloop.mail.models import Suppression
from autoloop.workspaces.services import WorkspaceAudit

__all__ = ["Suppressions"]


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
        """The reasons why this address must not be mailed."""
        digest = address_hash(self.workspace_id, address)
        return list(
            self.session.scalars(
                select(Suppression.reason)
                .where(Suppression.workspace_id == self.workspace_id, Suppression.address_hash == digest)
                .order_by(Suppression.reason)
            )
        )

    def suppress(
        self, address: str, reason: str = "manual", *, note: str = "", email_id: UUID | None = None
    ) -> Any:
        """Put an address on the list; nothing happens if it is there for this reason already."""
        if reason == "manual":
            address = checked_address(address)
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
