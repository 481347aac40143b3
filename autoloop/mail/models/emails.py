"""Emails, from intent to their last known fate, and every attempt at each."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    SmallInteger,
    TextClause,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped, tenant_fk

__all__ = ["TRANSITIONS", "Email", "EmailAttempt", "Kind", "Status"]


class Kind(StrEnum):
    """Decides about consent, footer, quota and statistics."""

    MARKETING = "marketing"
    TRANSACTIONAL = "transactional"
    TEST = "test"
    SYSTEM = "system"


class Status(StrEnum):
    """Where an email stands. Opens, clicks and replies are events, never states."""

    INTENT = "intent"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    RESENT = "resent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


_S = Status
# The published state machine. `deferred` is no state of its own: it is `intent` with a hold_reason.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    # Back to `unknown`: settled by its key, but the provider may have forgotten that one by now.
    _S.INTENT: frozenset({_S.SENDING, _S.REJECTED, _S.SKIPPED, _S.CANCELLED, _S.UNKNOWN}),
    _S.SENDING: frozenset({_S.ACCEPTED, _S.INTENT, _S.REJECTED, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset(
        {_S.ACCEPTED, _S.REJECTED, _S.SKIPPED, _S.RESENT, _S.INTENT, _S.DELIVERED, _S.BOUNCED, _S.COMPLAINED}
    ),
    _S.ACCEPTED: frozenset({_S.DELIVERED, _S.BOUNCED, _S.COMPLAINED}),
    _S.DELIVERED: frozenset({_S.BOUNCED, _S.COMPLAINED}),
    _S.REJECTED: frozenset(),
    _S.SKIPPED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.RESENT: frozenset(),
    _S.BOUNCED: frozenset({_S.COMPLAINED}),
    _S.COMPLAINED: frozenset(),
}


def _or_empty(column: str) -> TextClause:
    """What `coalesce(column, '')` gives, in lines as PostgreSQL tells an index's expression."""
    return text(f"(\nCASE\n WHEN {column} IS NULL THEN ''::text\n ELSE {column}\nEND)")


class Email(InWorkspace, Stamped, Base):
    """One message to one recipient.

    An intent fixes template version, sender, address and `context`; the bytes follow from these.
    Mail without a template (of the system, say) carries its own `content` {subject, text, html}.
    `is_tracked`: its links lead through `/t/` and it ends with a picture that tells of opens.
    """

    __tablename__ = "email_logs"
    __table_args__ = (
        Index("uq_email_logs_workspace_id_send_key", "workspace_id", "send_key", unique=True),
        Index(
            "idx_email_logs_bulk",
            "workspace_id",
            "due_at",
            postgresql_where=text("status = 'intent' and is_bulk"),
        ),
        Index(
            "idx_email_logs_prompt",
            "workspace_id",
            "due_at",
            postgresql_where=text("status = 'intent' and not is_bulk"),
        ),
        # What waits, by what it waits for: counted group by group, never all of it.
        Index(
            "idx_email_logs_waiting",
            "workspace_id",
            _or_empty("hold_reason"),
            _or_empty("held_by"),
            "due_at",
            postgresql_where=text("status = 'intent'"),
        ),
        Index("idx_email_logs_sending", "workspace_id", postgresql_where=text("status = 'sending'")),
        Index("idx_email_logs_due_at", "due_at", postgresql_where=text("status = 'unknown'")),
        Index("idx_email_logs_look_up_at", "look_up_at", postgresql_where=text("status = 'unknown'")),
        Index("idx_email_logs_workspace_id_run_id", "workspace_id", "run_id"),
        Index("idx_email_logs_workspace_id_contact_id", "workspace_id", "contact_id"),
        Index(
            "idx_email_logs_workspace_id_resend_of",
            "workspace_id",
            "resend_of",
            postgresql_where=text("resend_of is not null"),
        ),
        Index("idx_email_logs_workspace_id_workflow_id_node", "workspace_id", "workflow_id", "node"),
        Index("idx_email_logs_business_id", "business_id"),
        Index("idx_email_logs_status", "status"),
        Index("idx_email_logs_sent_at", "sent_at"),
        Index(
            "idx_email_logs_sender_id_sent_at",
            "sender_id",
            "sent_at",
            postgresql_where=text("sent_at is not null"),
        ),
        CheckConstraint("status in ({})".format(", ".join(f"'{each}'" for each in Status)), name="status"),
        CheckConstraint("kind in ({})".format(", ".join(f"'{each}'" for each in Kind)), name="kind"),
        CheckConstraint("on_unknown in ('hold', 'skip', 'resend')", name="on_unknown"),
        tenant_fk("run_id", "workflow_runs", ondelete="SET NULL"),
        tenant_fk("workflow_id", "automation_workflows", ondelete="SET NULL"),
        tenant_fk("contact_id", "business_contacts", ondelete="SET NULL"),
        tenant_fk("business_id", "businesses", ondelete="SET NULL"),
        tenant_fk("template_version_id", "email_template_versions", ondelete="NO ACTION"),
        tenant_fk("sender_id", "senders", ondelete="NO ACTION"),
        tenant_fk("provider_account_id", "provider_accounts", ondelete="NO ACTION"),
        tenant_fk("resend_of", "email_logs", ondelete="NO ACTION"),
        # Room on the page for the row's next states, so that a claim writes to no index.
        {"postgresql_with": {"fillfactor": "70"}},
    )

    send_key: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="intent")
    hold_reason: Mapped[str | None]
    held_by: Mapped[str | None]
    reason: Mapped[str | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    run_id: Mapped[UUID | None]
    workflow_id: Mapped[UUID | None]
    node: Mapped[str | None]
    visit: Mapped[int | None]
    contact_id: Mapped[UUID | None]
    business_id: Mapped[UUID | None]
    template_version_id: Mapped[UUID | None]
    sender_id: Mapped[UUID | None]
    provider_account_id: Mapped[UUID | None]
    to_address: Mapped[str]
    to_name: Mapped[str] = mapped_column(server_default="")
    context: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    content: Mapped[dict[str, Any] | None]
    topic: Mapped[str | None]
    is_tracked: Mapped[bool] = mapped_column(default=False, server_default="false")
    subject: Mapped[str | None]
    message_id: Mapped[str | None]
    body_hash: Mapped[bytes | None]
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    is_bulk: Mapped[bool] = mapped_column(Computed("kind = 'marketing' and priority <= 0", persisted=True))
    on_unknown: Mapped[str] = mapped_column(server_default="hold")
    send_window: Mapped[dict[str, Any] | None]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    attempts: Mapped[int] = mapped_column(server_default="0")
    first_tried_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    resend_of: Mapped[UUID | None]
    look_up_at: Mapped[datetime | None]
    look_ups: Mapped[int] = mapped_column(SmallInteger, server_default="0")


class EmailAttempt(Base):
    """One try at one email: begun with the mark (or ended before it), finished by the reply.

    Partitioned by the parent's uuid7, so that old months leave with their emails.
    """

    __tablename__ = "email_attempts"
    __table_args__ = (
        tenant_fk("email_id", "email_logs"),
        Index(
            "idx_email_attempts_provider_message_id",
            "workspace_id",
            "provider_message_id",
            postgresql_where=text("provider_message_id is not null"),
        ),
        {"postgresql_partition_by": "RANGE (email_id)"},
    )

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    email_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fence: Mapped[int] = mapped_column(BigInteger)
    provider_account_id: Mapped[UUID | None]
    marked_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    code: Mapped[int | None]
    reply: Mapped[str | None]
    provider_message_id: Mapped[str | None]
    cap_day: Mapped[date | None]
    units: Mapped[list[Any] | None]
