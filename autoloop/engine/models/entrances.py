"""Doors from outside and by the clock: webhooks, forms, schedules, and large enrolments under way."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped, tenant_fk
from autoloop.engine.models.states import one_of

__all__ = ["EnrolmentRow", "Form", "HookToken", "IncomingHook", "Schedule"]

SCHEMES = ("none", "standard", "github", "plain")
MISSED = ("once", "skip")
ENROLMENT_STATUSES = ("going", "done", "stopped")


class HookToken(Base):
    """Which tenant's door a public token opens. A row of the installation: the caller names no tenant."""

    __tablename__ = "hook_tokens"
    __table_args__ = (
        CheckConstraint(one_of("kind", ("hook", "form")), name="kind"),
        Index(None, "workspace_id", "target_id"),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    kind: Mapped[str]
    target_id: Mapped[UUID]


class IncomingHook(InWorkspace, Stamped, Base):
    """A secret address that takes JSON, and how a body names its contact.

    `mapping` leads from a contact's field to a path in the body. `sample` is the last body taken.
    """

    __tablename__ = "incoming_hooks"
    __table_args__ = (CheckConstraint(one_of("scheme", SCHEMES), name="scheme"),)

    name: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    token_hint: Mapped[str]
    scheme: Mapped[str] = mapped_column(server_default="none", default="none")
    header: Mapped[str | None]
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    mapping: Mapped[dict[str, Any]]
    creates: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    event_id_path: Mapped[str | None]
    sample: Mapped[dict[str, Any] | None]
    sampled_at: Mapped[datetime | None]


class Form(InWorkspace, Stamped, Base):
    """A public form: what it asks, where it may be shown, what it says afterwards.

    `consent_text` stands beside a box for marketing mail, `tracking_text` beside one for having opens and
    clicks recorded; without a text there is no box.
    """

    __tablename__ = "forms"

    name: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    token: Mapped[str]
    title: Mapped[str] = mapped_column(server_default="", default="")
    fields: Mapped[list[Any]]
    button: Mapped[str] = mapped_column(server_default="", default="")
    consent_text: Mapped[str] = mapped_column(server_default="", default="")
    tracking_text: Mapped[str] = mapped_column(server_default="", default="")
    thanks: Mapped[str] = mapped_column(server_default="", default="")
    redirect_url: Mapped[str | None]
    origins: Mapped[list[Any]]
    per_minute: Mapped[int] = mapped_column(server_default="10", default=10)


class Schedule(InWorkspace, Stamped, Base):
    """When a workflow's schedule trigger ticks next."""

    __tablename__ = "schedules"
    __table_args__ = (
        tenant_fk("workflow_id", "automation_workflows"),
        tenant_fk("trigger_id", "workflow_triggers"),
        UniqueConstraint("workspace_id", "trigger_id"),
        CheckConstraint(one_of("missed", MISSED), name="missed"),
        Index("idx_schedules_due_at", "workspace_id", "due_at"),
        Index("idx_schedules_workflow_id", "workspace_id", "workflow_id"),
    )

    workflow_id: Mapped[UUID]
    trigger_id: Mapped[UUID]
    cron: Mapped[str]
    timezone: Mapped[str]
    whom: Mapped[dict[str, Any]]
    missed: Mapped[str]
    due_at: Mapped[datetime]
    ticked_at: Mapped[datetime | None]


class EnrolmentRow(InWorkspace, Base):
    """A set of contacts on its way into a workflow, part by part; `cursor` is the last one looked at."""

    __tablename__ = "enrolments"
    __table_args__ = (
        tenant_fk("workflow_id", "automation_workflows"),
        UniqueConstraint("workspace_id", "workflow_id", "entry_key"),
        CheckConstraint(one_of("status", ENROLMENT_STATUSES), name="status"),
        CheckConstraint("(status = 'going') = (due_at is not null)", name="going_is_due"),
        Index("idx_enrolments_due_at", "workspace_id", "due_at", postgresql_where=text("due_at is not null")),
    )

    workflow_id: Mapped[UUID]
    trigger: Mapped[str]
    trigger_id: Mapped[UUID | None]
    entry_key: Mapped[str]
    whom: Mapped[dict[str, Any]]
    event: Mapped[dict[str, Any] | None]
    status: Mapped[str] = mapped_column(server_default="going", default="going")
    reason: Mapped[str | None]
    cursor: Mapped[UUID | None]
    total: Mapped[int | None]
    seen: Mapped[int] = mapped_column(server_default="0", default=0)
    started: Mapped[int] = mapped_column(server_default="0", default=0)
    skipped: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"), default=dict)
    due_at: Mapped[datetime | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    api_key_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
