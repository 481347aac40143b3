"""Acts on many runs at once, under way."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, func, text
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, tenant_fk
from autoloop.engine.models.states import one_of

__all__ = ["BULK_STATUSES", "BULK_VERBS", "BulkJob"]

BULK_VERBS = ("cancel", "pause", "resume", "retry", "rerun")
BULK_STATUSES = ("going", "done", "stopped")


class BulkJob(InWorkspace, Base):
    """One verb over all runs that a filter found when it was asked for; `cursor` is the last one looked at.

    A job that moves runs to another version keeps in `filter` where to, and by which map.
    `undo_of` is the job whose effect this one takes back; `why` is what the runs' journals say.
    """

    __tablename__ = "bulk_jobs"
    __table_args__ = (
        tenant_fk("workflow_id", "automation_workflows"),
        CheckConstraint(one_of("verb", (*BULK_VERBS, "move")), name="verb"),
        CheckConstraint(one_of("status", BULK_STATUSES), name="status"),
        CheckConstraint("(status = 'going') = (due_at is not null)", name="going_is_due"),
        Index("idx_bulk_jobs_due_at", "due_at", postgresql_where=text("due_at is not null")),
        Index("idx_bulk_jobs_workflow_id", "workspace_id", "workflow_id"),
    )

    workflow_id: Mapped[UUID | None]
    verb: Mapped[str]
    filter: Mapped[dict[str, Any]]
    why: Mapped[str] = mapped_column(server_default="", default="")
    undo_of: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(server_default="going", default="going")
    reason: Mapped[str | None]
    cursor: Mapped[UUID | None]
    total: Mapped[int] = mapped_column(server_default="0", default=0)
    seen: Mapped[int] = mapped_column(server_default="0", default=0)
    changed: Mapped[int] = mapped_column(server_default="0", default=0)
    skipped: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"), default=dict)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    due_at: Mapped[datetime | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
