"""Workflows, their published versions, and what starts them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped, tenant_fk
from autoloop.engine.models.states import WORKFLOW_STATUSES, one_of

__all__ = ["Workflow", "WorkflowTrigger", "WorkflowVersion"]


class Workflow(InWorkspace, Stamped, Base):
    """A workflow's identity, its status, and the version that new runs walk through."""

    __tablename__ = "automation_workflows"
    __table_args__ = (
        CheckConstraint(one_of("status", WORKFLOW_STATUSES), name="status"),
        CheckConstraint("status <> 'live' or live_version_id is not null", name="live_has_version"),
        tenant_fk(
            "live_version_id",
            "workflow_versions",
            ondelete="NO ACTION",
            use_alter=True,
            name="fk_automation_workflows_live_version",
        ),
        Index(None, "user_id"),
        Index("idx_automation_workflows_is_active", "workspace_id", "is_active"),
        Index(None, "workspace_id", "status"),
    )

    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str] = mapped_column(server_default="draft", default="draft")
    is_active: Mapped[bool] = mapped_column(Computed("status = 'live'", persisted=True))
    live_version_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"), default=dict)
    revision: Mapped[int] = mapped_column(server_default="1", default=1)


class WorkflowVersion(InWorkspace, Base):
    """A published graph. Never changed: runs in progress stand in it.

    `triggers` are what started its runs when it was published; null if it is older than they are kept. A
    `number` below zero is a draft that was tested: nobody enters it.
    """

    __tablename__ = "workflow_versions"
    __table_args__ = (
        tenant_fk("workflow_id", "automation_workflows"),
        UniqueConstraint("workspace_id", "workflow_id", "number"),
    )

    workflow_id: Mapped[UUID]
    number: Mapped[int]
    graph: Mapped[dict[str, Any]]
    triggers: Mapped[list[Any] | None]
    checksum: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")
    published_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    published_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WorkflowTrigger(InWorkspace, Stamped, Base):
    """What starts runs of a workflow: a trigger type, its settings, and the event it listens to.

    One that a later version no longer has stays, not active: runs refer to it.
    """

    __tablename__ = "workflow_triggers"
    __table_args__ = (
        tenant_fk("workflow_id", "automation_workflows"),
        Index(None, "workspace_id", "workflow_id"),
        Index(
            "idx_workflow_triggers_event_name",
            "workspace_id",
            "event_name",
            postgresql_where=text("is_active"),
        ),
    )

    workflow_id: Mapped[UUID]
    type: Mapped[str]
    config: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"), default=dict)
    config_version: Mapped[int] = mapped_column(server_default="1", default=1)
    event_name: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
