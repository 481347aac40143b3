"""Who mail comes from: senders, and the accounts it leaves through."""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped, tenant_fk

__all__ = ["ProviderAccount", "Sender", "SenderDay"]


class ProviderAccount(InWorkspace, Stamped, Base):
    """One configured provider plugin. What the plugin calls secret lies sealed in `secrets`."""

    __tablename__ = "provider_accounts"
    __table_args__ = (
        Index("uq_provider_accounts_workspace_id_name", "workspace_id", "name", unique=True),
        Index(
            "uq_provider_accounts_default", "workspace_id", unique=True, postgresql_where=text("is_default")
        ),
        CheckConstraint("status in ('active', 'off')", name="status"),
    )

    name: Mapped[str]
    provider: Mapped[str]
    config: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    secrets: Mapped[bytes | None]
    is_default: Mapped[bool] = mapped_column(server_default=text("false"))
    status: Mapped[str] = mapped_column(server_default="active")
    problem: Mapped[str | None]
    problem_at: Mapped[datetime | None]
    rest_until: Mapped[datetime | None]


class Sender(InWorkspace, Stamped, Base):
    """A From identity. `daily_cap` holds exactly, for the sender's own calendar day."""

    __tablename__ = "senders"
    __table_args__ = (
        Index("uq_senders_workspace_id_address", "workspace_id", "address", unique=True),
        Index("uq_senders_default", "workspace_id", unique=True, postgresql_where=text("is_default")),
        CheckConstraint("status in ('active', 'paused', 'archived')", name="status"),
        CheckConstraint("daily_cap >= 0", name="daily_cap"),
        tenant_fk("domain_id", "sending_domains", ondelete="NO ACTION"),
        tenant_fk("provider_account_id", "provider_accounts", ondelete="NO ACTION"),
    )

    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    name: Mapped[str]
    address: Mapped[str]
    reply_to: Mapped[str | None]
    domain_id: Mapped[UUID | None]
    provider_account_id: Mapped[UUID | None]
    daily_cap: Mapped[int | None]
    ramp: Mapped[dict[str, Any] | None]
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    postal_address: Mapped[str] = mapped_column(server_default="")
    is_default: Mapped[bool] = mapped_column(server_default=text("false"))
    status: Mapped[str] = mapped_column(server_default="active")


class SenderDay(Base):
    """How much of a day's cap is used: raised with the mark, given back when a mail was not accepted."""

    __tablename__ = "sender_days"
    __table_args__ = (
        tenant_fk("sender_id", "senders"),
        CheckConstraint("used >= 0", name="used"),
    )

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    sender_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    used: Mapped[int] = mapped_column(server_default="0")
