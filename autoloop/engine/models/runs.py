"""Runs and everything of them: journal, waits, actions, stimuli, batches in hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, tenant_fk
from autoloop.base.ids import new_id
from autoloop.engine.models.states import ENDED, RUN_STATUSES, WAIT_KINDS, one_of

__all__ = ["RunAction", "RunBatch", "RunStep", "RunStimulus", "RunWait", "WorkflowRun"]

NOW = func.now()


class WorkflowRun(InWorkspace, Base):
    """One contact going through one version. Due when `due_at` has passed or a stimulus is there.

    `positions`, `visits` and `variables` are the interpreter's state; `started_as` is the contact's id
    when the run began, which choices hash; a test of somebody invented has no contact, and an id of its own there; `entry_key` keeps a contact from entering twice. The parent is
    the run whose `sub_workflow` step, at that visit, started this one. `origin` says who or what started it:
    event_id, user_id, api_key_id, enrolment_id, rerun_of, as far as there is one.
    """

    __tablename__ = "workflow_runs"
    __table_args__ = (
        tenant_fk("workflow_id", "automation_workflows"),
        tenant_fk("version_id", "workflow_versions"),
        tenant_fk("contact_id", "business_contacts"),
        tenant_fk("parent_run_id", "workflow_runs", ondelete="SET NULL"),
        tenant_fk("trigger_id", "workflow_triggers", ondelete="NO ACTION"),
        CheckConstraint(one_of("status", RUN_STATUSES), name="status"),
        CheckConstraint("due_at is null or status in ('active', 'waiting')", name="due_only_while_going"),
        CheckConstraint("status <> 'active' or due_at is not null", name="active_is_due"),
        CheckConstraint("contact_id is not null or is_test", name="contact"),
        CheckConstraint(f"({one_of('status', ENDED)}) = (ended_at is not null)", name="ended"),
        UniqueConstraint("workspace_id", "workflow_id", "contact_id", "entry_key"),
        Index(
            "idx_workflow_runs_due_at",
            "workspace_id",
            "due_at",
            postgresql_where=text("due_at is not null and attempts = 0"),
        ),
        Index(
            "idx_workflow_runs_attempts",
            "workspace_id",
            "due_at",
            postgresql_where=text("due_at is not null and attempts > 0"),
        ),
        Index(
            "idx_workflow_runs_status",
            "workspace_id",
            "status",
            "id",
            postgresql_where=text("status in ('paused', 'blocked', 'quarantined', 'failed')"),
        ),
        Index("idx_workflow_runs_contact_id", "workspace_id", "contact_id"),
        Index("idx_workflow_runs_version_id", "workspace_id", "version_id"),
        Index(
            "idx_workflow_runs_parent_run_id",
            "workspace_id",
            "parent_run_id",
            postgresql_where=text("parent_run_id is not null"),
        ),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    workflow_id: Mapped[UUID]
    version_id: Mapped[UUID]
    contact_id: Mapped[UUID | None]
    started_as: Mapped[UUID]
    trigger: Mapped[str] = mapped_column(server_default="manual")
    trigger_id: Mapped[UUID | None]
    origin: Mapped[dict[str, Any] | None]
    entry_key: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="active")
    reason: Mapped[str | None]
    positions: Mapped[list[Any]]
    visits: Mapped[dict[str, Any]]
    variables: Mapped[dict[str, Any]]
    steps: Mapped[int] = mapped_column(server_default="0")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    is_test: Mapped[bool] = mapped_column(server_default=text("false"))
    parent_run_id: Mapped[UUID | None]
    parent_node: Mapped[str | None]
    parent_visit: Mapped[int | None]
    due_at: Mapped[datetime | None]
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
    moved_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ended_at: Mapped[datetime | None]

    @property
    def stop_reason(self) -> str | None:
        return self.reason if self.status == "stopped" else None


class RunStep(Base):
    """The journal: one row when a position leaves a step, tries again, or ends; and for what came late.

    No foreign keys: only the holder of the run's lock writes here, a key would cost as much as the row,
    and old partitions are dropped whole.
    """

    __tablename__ = "run_steps"
    __table_args__ = {"postgresql_partition_by": "RANGE (run_id)"}

    workspace_id: Mapped[UUID] = mapped_column()
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    node: Mapped[str]
    type: Mapped[str]
    visit: Mapped[int]
    position: Mapped[int]
    outcome: Mapped[str]
    port: Mapped[str | None]
    detail: Mapped[dict[str, Any] | None]
    entered_at: Mapped[datetime]
    at: Mapped[datetime]


class RunWait(Base):
    """A wait that something outside will end, found by contact and event, or by node and visit."""

    __tablename__ = "run_waits"
    __table_args__ = (
        tenant_fk("run_id", "workflow_runs"),
        CheckConstraint(one_of("kind", WAIT_KINDS), name="kind"),
        Index(
            "idx_run_waits_contact_id_event",
            "workspace_id",
            "contact_id",
            "event",
            postgresql_where=text("kind = 'event'"),
        ),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    node: Mapped[str] = mapped_column(primary_key=True)
    visit: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int]
    kind: Mapped[str]
    contact_id: Mapped[UUID]
    event: Mapped[str | None]
    match: Mapped[dict[str, Any] | None]
    until: Mapped[datetime | None]
    since: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class RunAction(InWorkspace, Base):
    """I/O that a run asked for. Held by lease and fence; deleted with the insert of its result.

    `begun_at` is when an attempt began whose effect must not be begun twice, until it answers.
    """

    __tablename__ = "run_actions"
    __table_args__ = (
        tenant_fk("run_id", "workflow_runs"),
        UniqueConstraint("workspace_id", "run_id", "node", "visit"),
        Index("idx_run_actions_due_at", "workspace_id", "due_at"),
    )

    run_id: Mapped[UUID]
    node: Mapped[str]
    visit: Mapped[int]
    type: Mapped[str]
    due_at: Mapped[datetime] = mapped_column(server_default=NOW)
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    attempts: Mapped[int] = mapped_column(server_default="0")
    begun_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class RunStimulus(Base):
    """Something that reached a run. Inserted without touching the run; deleted by Advance.

    `parked` ones wait until a paused or blocked run goes on.
    """

    __tablename__ = "run_stimuli"
    __table_args__ = (
        tenant_fk("run_id", "workflow_runs"),
        Index("idx_run_stimuli_id", "workspace_id", "id", postgresql_where=text("not parked")),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    source_key: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(default=new_id)
    kind: Mapped[str]
    node: Mapped[str | None]
    visit: Mapped[int | None]
    payload: Mapped[dict[str, Any]]
    parked: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class RunBatch(Base):
    """Runs that a worker has in hand. Still there after it died: who broke it can be found out.

    Without ids they are new, of a batch of events: they are only where that is committed.
    """

    __tablename__ = "run_batches"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_ids: Mapped[list[UUID]] = mapped_column(ARRAY(UuidType()))
    run_ids: Mapped[list[UUID]] = mapped_column(ARRAY(UuidType()))
    started_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
