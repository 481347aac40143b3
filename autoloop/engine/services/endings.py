"""Ends of runs, told as events where a workflow listens to them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.ids import new_id
from autoloop.base.services import Services

__all__ = ["LISTENED", "announce"]

# A trigger of the workspace, or a run of the same contact that waits for it.
LISTENED = """(exists (select 1 from workflow_triggers t
  where t.workspace_id = r.workspace_id and t.event_name = 'workflow.finished' and t.is_active)
  or exists (select 1 from run_waits w where w.workspace_id = r.workspace_id and w.contact_id = r.contact_id
    and w.event = 'workflow.finished' and w.kind = 'event'))"""

ANNOUNCE = text(f"""
insert into events (workspace_id, id, name, contact_id, data, occurred_at)
select r.workspace_id, u.i, 'workflow.finished', r.contact_id, jsonb_build_object('workflow_id', r.workflow_id,
  'run_id', r.id, 'status', r.status, 'reason', r.reason), r.ended_at
from jsonb_to_recordset(cast(:rows as jsonb)) u(r uuid, i uuid)
join workflow_runs r on r.workspace_id = :workspace and r.id = u.r
where r.ended_at is not null and not r.is_test and {LISTENED}
""")


def announce(services: Services, workspace_id: UUID, run_ids: Sequence[UUID]) -> int:
    """Tell `workflow.finished` of runs that have just ended other than by Advance. Test runs tell nothing.

    Returns how many events were told; nudge "route" after the commit.
    """
    rows = orjson.dumps([{"r": run, "i": new_id()} for run in run_ids]).decode()
    done = services.session.execute(ANNOUNCE, {"workspace": workspace_id, "rows": rows})
    return int(done.rowcount)  # type: ignore[attr-defined]
