"""Addresses that must not be mailed."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, Identified, InWorkspace, Stamped, tenant_fk

__all__ = ["REASONS", "InstanceSuppression", "Suppression"]

REASONS: tuple[str, ...] = ("unsubscribed", "bounced", "complained", "manual")


class Suppression(InWorkspace, Stamped, Base):
    """One reason not to mail one address, or a whole domain (`@example.org`).

    Found by hash, so that it survives the address's erasure.
    """

    __tablename__ = "suppressions"
    __table_args__: ClassVar = (
        Index(
            "uq_suppressions_workspace_id_address_hash_reason",
            "workspace_id",
            "address_hash",
            "reason",
            unique=True,
        ),
        tenant_fk("email_id", "email_logs", ondelete="SET NULL"),
        Index(
            "idx_suppressions_email_id",
            "workspace_id",
            "email_id",
            postgresql_where=text("email_id is not null"),
        ),
        CheckConstraint("reason in ({})".format(", ".join(f"'{each}'" for each in REASONS)), name="reason"),
    )

    address_hash: Mapped[bytes]
    address: Mapped[str | None]
    reason: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")
    email_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class InstanceSuppression(Identified, Stamped, Base):
    """An address or a domain (`@example.org`) that no workspace of this installation may mail."""

    __tablename__ = "instance_suppressions"
    __table_args__: ClassVar = (Index("uq_instance_suppressions_address_hash", "address_hash", unique=True),)

    address_hash: Mapped[bytes]
    address: Mapped[str | None]
    note: Mapped[str] = mapped_column(server_default="")
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
