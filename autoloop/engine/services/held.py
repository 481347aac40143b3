"""Actions that wait because a person paused their run or its workflow."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from autoloop.base.services import Services

__all__ = ["HELD", "wake_held"]

HELD = "Its run is paused."

WAKE = text(f"""
update run_actions a set due_at = now(), last_error = null from workflow_runs r
where a.workspace_id = :workspace and a.last_error = '{HELD}' and a.lease_until is null
  and r.workspace_id = a.workspace_id and r.id = a.run_id
  and (r.id = any(cast(:runs as uuid[])) or r.workflow_id = :workflow)
""")


def wake_held(services: Services, *, runs: Sequence[UUID] = (), workflow_id: UUID | None = None) -> None:
    """Make due what was held, where runs or a whole workflow go on."""
    values = {"workspace": services.workspace_id, "runs": list(runs), "workflow": workflow_id}
    services.session.execute(WAKE, values)
    services.nudge("perform")
