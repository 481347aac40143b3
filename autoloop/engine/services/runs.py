"""Runs: what people do with them, and what they read of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, select, text

from autoloop.base.services import Service
from autoloop.businesses.models import Contact
from autoloop.engine.models import RunAction, RunStep, Workflow, WorkflowRun
from autoloop.engine.services.endings import announce
from autoloop.engine.services.held import wake_held
from autoloop.engine.services.retrying import retry_failed
from autoloop.engine.services.run_filter import conditions

__all__ = ["Runs"]

HOLD = text("""
select id from workflow_runs where workspace_id = :workspace and id = any(cast(:runs as uuid[]))
  and status = any(cast(:statuses as text[])) order by id for no key update
""")

CANCEL = text("""
with ended as (
  update workflow_runs r set status = 'cancelled', reason = :why, positions = '[]', due_at = null, attempts = 0,
    steps = r.steps + 1, moved_at = now(), ended_at = now()
  where r.workspace_id = :workspace and r.id = any(cast(:runs as uuid[])) returning r.workspace_id, r.id, r.steps)
insert into run_steps (workspace_id, run_id, seq, node, type, visit, position, outcome, detail, entered_at, at)
select workspace_id, id, steps, '', '', 0, 0, 'cancelled', jsonb_build_object('why', cast(:why as text)), now(), now()
from ended
""")

CLEAR = tuple(
    text(f"delete from {table} where workspace_id = :workspace and run_id = any(cast(:runs as uuid[]))")
    for table in ("run_waits", "run_actions", "run_stimuli")
)

PAUSE = text("""
update workflow_runs set status = 'paused', reason = :why, due_at = null, moved_at = now()
where workspace_id = :workspace and id = any(cast(:runs as uuid[]))
""")

RESUME = text("""
update workflow_runs set status = 'active', reason = null, attempts = 0, due_at = now(), moved_at = now()
where workspace_id = :workspace and id = any(cast(:runs as uuid[]))
""")

UNPARK = text("""
update run_stimuli set parked = false
where workspace_id = :workspace and run_id = any(cast(:runs as uuid[])) and parked
""")

LISTED = tuple(
    getattr(WorkflowRun, name)
    for name in (
        "id",
        "workflow_id",
        "version_id",
        "contact_id",
        "trigger",
        "status",
        "reason",
        "steps",
        "is_test",
        "due_at",
        "started_at",
        "moved_at",
        "ended_at",
        "positions",
    )
)
NAMED = (
    Workflow.name.label("workflow_name"),
    Contact.email.label("contact_email"),
    (Contact.first_name + " " + Contact.last_name).label("contact_name"),
)

GOING = ("active", "waiting")
STANDING = ("paused", "blocked", "quarantined")


def _same(table: Any, key: Any) -> Any:
    return and_(table.workspace_id == WorkflowRun.workspace_id, table.id == key)


class Runs(Service):
    """Runs of the workspace. Verbs return the ids they changed; those in another status are left alone."""

    def find(self, run_id: UUID, workflow_id: UUID | None = None) -> WorkflowRun | None:
        """A run of the workspace, or of one workflow of it."""
        found = self.session.get(WorkflowRun, (self.workspace_id, run_id))
        return found if found is not None and workflow_id in (None, found.workflow_id) else None

    def query(self, filter: Mapping[str, Any]) -> Select[Any]:
        """Runs of a checked filter, as columns, with the contact's name and address and the workflow's name;
        in no order yet."""
        return (
            select(*LISTED, *NAMED)
            .outerjoin(
                Contact,
                and_(Contact.workspace_id == WorkflowRun.workspace_id, Contact.id == WorkflowRun.contact_id),
            )
            .join(
                Workflow,
                and_(
                    Workflow.workspace_id == WorkflowRun.workspace_id, Workflow.id == WorkflowRun.workflow_id
                ),
            )
            .where(*conditions(self.workspace_id, filter))
        )

    def count(self, filter: Mapping[str, Any], most: int) -> int:
        """How many runs a checked filter finds; `most` + 1 where there are more."""
        found = select(WorkflowRun.id).where(*conditions(self.workspace_id, filter)).limit(most + 1)
        counted: int = self.session.execute(select(func.count()).select_from(found.subquery())).scalar_one()
        return counted

    def journal(self, run_id: UUID, newest: int | None = None) -> Sequence[RunStep]:
        """The run's journal in order, or its newest lines; a run takes a bounded number of steps."""
        query = select(RunStep).where(RunStep.workspace_id == self.workspace_id, RunStep.run_id == run_id)
        lines = self.session.scalars(query.order_by(RunStep.seq.desc()).limit(newest)).all()
        return lines[::-1]

    def actions(self, run_id: UUID) -> Sequence[RunAction]:
        query = select(RunAction).where(
            RunAction.workspace_id == self.workspace_id, RunAction.run_id == run_id
        )
        return self.session.scalars(query).all()

    def cancel(self, run_ids: Sequence[UUID], why: str = "cancelled by a person") -> list[UUID]:
        """End runs now. Their mails not yet on the way are called off; one being sent cannot be recalled."""
        held = self._hold(run_ids, (*GOING, *STANDING))
        if held:
            values = self._values(held, why)
            self.session.execute(CANCEL, values)
            for statement in CLEAR:
                self.session.execute(statement, self._values(held))
            announce(self.services, self.workspace_id, held)
            handler = self.services.registrations.effect_handlers.get("end_runs")
            if handler is not None:
                handler(self.services, [(self.workspace_id, run) for run in held])
        return held

    def pause(self, run_ids: Sequence[UUID], why: str = "paused by a person") -> list[UUID]:
        """Hold runs. What reaches them meanwhile is kept; timers that pass act when they go on."""
        held = self._hold(run_ids, GOING)
        if held:
            self.session.execute(PAUSE, self._values(held, why))
        return held

    def resume(self, run_ids: Sequence[UUID]) -> list[UUID]:
        """Let paused, blocked or quarantined runs go on. Nudge "advance" after the commit."""
        held = self._hold(run_ids, STANDING)
        if held:
            self.session.execute(RESUME, self._values(held))
            self.session.execute(UNPARK, self._values(held))
            wake_held(self.services, runs=held)
        return held

    def retry(self, run_ids: Sequence[UUID], why: str = "tried again by a person") -> list[UUID]:
        """Let failed runs go on at the step that failed; it is done anew. Nudge "advance" after the commit.

        A run of which another branch waited for an email, a call or another run is left as it is: what it
        had asked for may have been done since.
        """
        held = self._hold(run_ids, ("failed",))
        return retry_failed(self.services, held, why) if held else []

    def _hold(self, run_ids: Sequence[UUID], statuses: Sequence[str]) -> list[UUID]:
        values = {"workspace": self.workspace_id, "runs": list(run_ids), "statuses": list(statuses)}
        held = list(self.session.execute(HOLD, values).scalars())
        self.session.expire_all()
        return held

    def _values(self, runs: list[UUID], why: str | None = None) -> dict[str, Any]:
        values: dict[str, Any] = {"workspace": self.workspace_id, "runs": runs}
        return values if why is None else values | {"why": why}
