"""A workflow's status: going live, pausing, archiving, and what that does to its runs."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, text

from autoloop.base.errors import Conflict, NotFound
from autoloop.base.services import Service
from autoloop.engine.models import WORKFLOW_MOVES, Workflow
from autoloop.engine.services.bulk import Bulk
from autoloop.engine.services.held import wake_held

__all__ = ["ENDED_WITH_WORKFLOW", "PAUSED_WITH_WORKFLOW", "WorkflowStatus"]

PAUSED_WITH_WORKFLOW = "Its workflow is paused."
ENDED_WITH_WORKFLOW = "Its workflow is archived."

WAKE = text("""
with woken as (
  update workflow_runs set status = 'active', reason = null, due_at = now()
  where workspace_id = :workspace and workflow_id = :workflow and status = 'paused' and reason = :why
  returning workspace_id, id)
update run_stimuli s set parked = false from woken
where s.workspace_id = woken.workspace_id and s.run_id = woken.id and s.parked
""")


class WorkflowStatus(Service):
    """Moves workflows through their published state machine."""

    def hold(self, workflow_id: UUID) -> Workflow:
        """The workflow, locked until the transaction ends: runs' locks come after it. Raises NotFound."""
        found = self.session.scalars(
            select(Workflow)
            .where(Workflow.workspace_id == self.workspace_id, Workflow.id == workflow_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        ).first()
        if found is None:
            raise NotFound
        return found

    def move(self, workflow_id: UUID, status: str) -> Workflow:
        """Change the status. To the one it has is no change; Conflict where the machine has no such way.

        `live` needs a published version and wakes runs that the pause held; `archived` begins a bulk job that
        ends all runs, part by part.
        Nudge "advance" after the commit.
        """
        workflow = self.hold(workflow_id)
        before = workflow.status
        if status == before:
            return workflow
        if status not in WORKFLOW_MOVES[before]:
            raise Conflict(f"A workflow that is {before} cannot become {status}.", code="WORKFLOW_STATUS")
        if status == "live" and workflow.live_version_id is None:
            raise Conflict("Publish this workflow before it goes live.", code="WORKFLOW_NOT_PUBLISHED")
        workflow.status = status
        workflow.revision += 1
        self.session.flush()
        values = {"workspace": self.workspace_id, "workflow": workflow_id}
        if before == "paused" and status == "live":
            self.session.execute(WAKE, values | {"why": PAUSED_WITH_WORKFLOW})
            wake_held(self.services, workflow_id=workflow_id)
        elif status == "archived":
            all_of_it = {"workflow_id": str(workflow_id)}
            self.services(Bulk).begin("cancel", all_of_it, why=ENDED_WITH_WORKFLOW)
        self.session.refresh(workflow)
        return workflow
