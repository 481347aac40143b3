"""Who mail comes from: senders, and the accounts it leaves through."""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped, tenant_fk

__all__ = ["ProviderAccount", "ProviderRule", "Sender", "SenderDay", "SenderMishap"]


class ProviderAccount(InWorkspace, Stamped, Base):
    """One configured provider plugin. What the plugin calls secret lies sealed in `secrets`.

    While it rests or is off, mail leaves through the account at `failover_id`.
    """

    __tablename__ = "provider_accounts"
    __table_args__ = (
        Index("uq_provider_accounts_workspace_id_name", "workspace_id", "name", unique=True),
        Index(
            "uq_provider_accounts_default", "workspace_id", unique=True, postgresql_where=text("is_default")
        ),
        CheckConstraint("status in ('active', 'off')", name="status"),
        tenant_fk("failover_id", "provider_accounts", ondelete="SET NULL"),
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
    failover_id: Mapped[UUID | None]
    last_event_at: Mapped[datetime | None]


class ProviderRule(InWorkspace, Stamped, Base):
    """Which account mail leaves through, before the sender's own; the first rule that fits decides.

    What is empty fits everything. `recipient_domains` are in lower case.
    """

    __tablename__ = "provider_rules"
    __table_args__ = (
        CheckConstraint("kind in ('marketing', 'transactional')", name="kind"),
        tenant_fk("account_id", "provider_accounts"),
        tenant_fk("workflow_id", "automation_workflows"),
    )

    position: Mapped[int]
    account_id: Mapped[UUID]
    workflow_id: Mapped[UUID | None]
    kind: Mapped[str | None]
    recipient_domains: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")


class Sender(InWorkspace, Stamped, Base):
    """A From identity. `daily_cap` holds exactly, for the sender's own calendar day.

    One that was paused for the trouble its mail caused has `paused_because`; only what it sent after
    `health_since` counts against it.
    """

    __tablename__ = "senders"
    __table_args__ = (
        Index("uq_senders_workspace_id_address", "workspace_id", "address", unique=True),
        Index("uq_senders_default", "workspace_id", unique=True, postgresql_where=text("is_default")),
        CheckConstraint("status in ('active', 'paused', 'archived')", name="status"),
        Index(
            "idx_senders_health_due_at",
            "health_due_at",
            postgresql_where=text("health_due_at is not null"),
        ),
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
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    is_default: Mapped[bool] = mapped_column(server_default=text("false"))
    status: Mapped[str] = mapped_column(server_default="active")
    paused_because: Mapped[dict[str, Any] | None]
    paused_at: Mapped[datetime | None]
    health_since: Mapped[datetime | None]
    health_due_at: Mapped[datetime | None]
    health_checked_at: Mapped[datetime | None]


class SenderMishap(Base):
    """A hard bounce or a complaint of one email, once, however often it is told.

    `refused`: the server named the address unknown before it took anything, so `sent_at` is when it was tried.
    """

    __tablename__ = "sender_mishaps"
    __table_args__ = (
        tenant_fk("email_id", "email_logs"),
        tenant_fk("sender_id", "senders"),
        CheckConstraint("kind in ('bounce', 'complaint')", name="kind"),
        Index("idx_sender_mishaps_sender_id_sent_at", "workspace_id", "sender_id", "sent_at"),
    )

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    email_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    sender_id: Mapped[UUID]
    sent_at: Mapped[datetime]
    refused: Mapped[bool] = mapped_column(server_default=text("false"))


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
