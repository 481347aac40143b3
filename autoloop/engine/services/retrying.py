"""Runs that failed go on from where they stood: the step that failed is done anew, the others wait on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.services import Services

__all__ = ["Mended", "mend", "retry_failed"]

BROKEN = text("""
select r.id, r.steps, r.visits, r.variables, now() as now from workflow_runs r
join automation_workflows w on w.workspace_id = r.workspace_id and w.id = r.workflow_id
where r.workspace_id = :workspace and r.id = any(cast(:runs as uuid[])) and r.status = 'failed'
  and r.variables ? 'broken' and (w.status in ('live', 'paused') or (r.is_test and w.status <> 'archived'))
order by r.id
""")

RETRY = text("""
with mended as (
  select * from jsonb_to_recordset(cast(:rows as jsonb)) u(i uuid, p jsonb, v jsonb, x jsonb, n text, c int, o int)),
woken as (
  update workflow_runs r set status = 'active', reason = null, attempts = 0, due_at = now(), moved_at = now(),
    ended_at = null, steps = r.steps + 1, visits = m.v, positions = m.p, variables = m.x
  from mended m where r.workspace_id = :workspace and r.id = m.i returning r.id, r.steps, r.version_id)
insert into run_steps (workspace_id, run_id, seq, node, type, visit, position, outcome, detail, entered_at, at)
select :workspace, w.id, w.steps, m.n, coalesce((select node ->> 'type' from workflow_versions v,
    jsonb_array_elements(v.graph -> 'nodes') node
    where v.workspace_id = :workspace and v.id = w.version_id and node ->> 'id' = m.n limit 1), ''),
  m.c, m.o, 'retried', jsonb_build_object('why', cast(:why as text)), now(), now()
from woken w join mended m on m.i = w.id
returning run_id
""")

IN_FLIGHT = frozenset({"email", "action", "child"})


class Mended(NamedTuple):
    """Where a failed run goes on: its state, and the place that is done anew."""

    positions: list[dict[str, Any]]
    visits: dict[str, int]
    variables: dict[str, Any]
    anew: dict[str, Any]


def mend(visits: Mapping[str, int], variables: Mapping[str, Any], now: datetime) -> Mended | None:
    """Put a failed run back to where it stood; None if that would not be sound.

    The step that failed gets a new visit, so that what it does has a new key and is done again. A position
    that waited for its time, or at a merge, waits on; one that waited for an event begins its wait anew,
    and hears what came meanwhile, as do goals. One that waited for an email, a call or another run had
    asked for what may have been done since: nobody can say, so such a run is not mended.
    """
    broken = variables["broken"]
    positions, visits = [], dict(visits)
    anew: dict[str, Any] = {}
    for old in broken["positions"]:
        position, kind = dict(old), (old.get("wait") or {}).get("kind")
        if kind in IN_FLIGHT:
            return None
        if position["id"] == broken["position"] or kind == "event":
            visits[position["node"]] = position["visit"] = visits.get(position["node"], 0) + 1
            position["since"] = now.isoformat()
            position["heard"] = broken["at"]
            for name in ("wait", "attempt", "meant"):
                position.pop(name, None)
        if position["id"] == broken["position"]:
            anew = position
        positions.append(position)
    left = {name: value for name, value in variables.items() if name != "broken"}
    if "goals" in left:  # those still open lost their ears when the run ended
        left["goals"] = {goal: state for goal, state in left["goals"].items() if state != "open"}
    return Mended(positions, visits, left, anew)


def retry_failed(services: Services, held: Sequence[UUID], why: str) -> list[UUID]:
    """Set failed runs, whose locks the caller holds, back to where they failed. Returns those that can be.

    Those of a workflow that is put away stay: they would end at once, and could not be tried again.
    """
    rows = []
    found = services.session.execute(BROKEN, {"workspace": services.workspace_id, "runs": list(held)})
    for row in found:
        mended = mend(row.visits, row.variables, row.now)
        if mended is not None:
            rows.append(
                {
                    "i": row.id,
                    "p": mended.positions,
                    "v": mended.visits,
                    "x": mended.variables,
                    "n": mended.anew["node"],
                    "c": mended.anew["visit"],
                    "o": mended.anew["id"],
                }
            )
    if not rows:
        return []
    written = orjson.dumps(rows).decode().replace("\\u0000", "\\ufffd")
    values = {"workspace": services.workspace_id, "rows": written, "why": why}
    return list(services.session.execute(RETRY, values).scalars())
