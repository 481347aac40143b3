"""Blocked runs: their version could not be compiled, as a plugin was missing; freed when it is back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sqlalchemy import text

from autoloop.base.due import DueKind
from autoloop.engine.graph import CompiledGraph
from autoloop.engine.versions import CompiledVersions

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["KIND", "free"]

LOOK_EVERY = 30.0

PROBE = "select exists (select 1 from workflow_runs where status = 'blocked')"

FOUND = text("""
select v.workspace_id, v.id, v.graph
from (select distinct workspace_id, version_id from workflow_runs where status = 'blocked' limit 200) held
join workflow_versions v on v.workspace_id = held.workspace_id and v.id = held.version_id
""")

FREE = text("""
with freed as (
  update workflow_runs r set status = 'active', reason = null, due_at = now()
  from (select workspace_id, id from workflow_runs
    where workspace_id = :workspace and version_id = :version and status = 'blocked'
    order by id limit 5000 for no key update skip locked) held
  where r.workspace_id = held.workspace_id and r.id = held.id returning r.workspace_id, r.id),
given as (
  update run_stimuli s set parked = false from freed
  where s.workspace_id = freed.workspace_id and s.run_id = freed.id and s.parked returning 1)
select count(*) from freed
""")

_looked: WeakKeyDictionary[Runtime, float] = WeakKeyDictionary()


def work(runtime: Runtime) -> int:
    """Look now and then whether what blocked runs is there again."""
    now = time.monotonic()
    if now - _looked.get(runtime, -LOOK_EVERY) < LOOK_EVERY:
        return 0
    _looked[runtime] = now
    if free(runtime):
        runtime.nudge("advance")
    return 0


def free(runtime: Runtime) -> int:
    """Let runs go on whose version compiles in this process. Returns how many."""
    versions = CompiledVersions(runtime.registrations.plugins)
    freed = 0
    with runtime.unit("worker") as services:
        graphs = {(str(row[0]), str(row[1])): row[2] for row in services.session.execute(FOUND)}
        compiled = versions.get(graphs, lambda _missing: graphs)
        for (workspace, version), graph in compiled.items():
            if isinstance(graph, CompiledGraph):
                values = {"workspace": workspace, "version": version}
                freed += services.session.execute(FREE, values).scalar_one()
    return freed


KIND = DueKind("blocked", PROBE, work)
