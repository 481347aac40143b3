"""What reached the claimed runs: read and deleted in one statement, in the order it came."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import Cursor

from autoloop.engine.advance.claim import Claimed, ids
from autoloop.engine.turns import Stimulus

__all__ = ["consume", "park"]

CONSUME = """
delete from run_stimuli s using unnest(%(tenants)s::uuid[], %(runs)s::uuid[]) u(tenant, run)
where s.workspace_id = u.tenant and s.run_id = u.run
returning s.run_id::text, s.id, s.kind, s.payload, s.node, s.visit
"""

PARK = """
update run_stimuli s set parked = true from unnest(%(tenants)s::uuid[], %(runs)s::uuid[]) u(tenant, run)
where s.workspace_id = u.tenant and s.run_id = u.run and not s.parked
"""


def consume(cursor: Cursor[Any], runs: list[Claimed]) -> dict[str, list[Stimulus]]:
    """Stimuli by run. A new statement after the lock: it sees what was committed while we waited."""
    cursor.execute(CONSUME, _keys(runs), prepare=True)
    found: dict[str, list[tuple[UUID, Stimulus]]] = {}
    for run, key, kind, payload, node, visit in cursor.fetchall():
        found.setdefault(run, []).append((key, Stimulus(kind, payload, node, visit)))
    return {run: [each[1] for each in sorted(told, key=lambda each: each[0])] for run, told in found.items()}


def park(cursor: Cursor[Any], runs: list[Claimed]) -> None:
    """Put aside what reached runs that stand still; it is given to them when they go on."""
    cursor.execute(PARK, _keys(runs), prepare=True)


def _keys(runs: list[Claimed]) -> dict[str, str]:
    return {"tenants": ids(run.workspace_id for run in runs), "runs": ids(run.id for run in runs)}
