"""The SQL of Perform. What is written of an action is written under its fence, or not at all."""

from __future__ import annotations

from autoloop.engine.services.held import HELD

__all__ = ["AGAIN", "BEGIN", "DROP", "HOLD", "LAST_LOOK", "LEAVE", "LOAD", "PROBE", "SETTLE"]

PROBE = """
select exists (select 1 from run_actions
  where due_at <= now() and (lease_until is null or lease_until < clock_timestamp()))
"""

LOAD = """
select a.workspace_id, a.id, a.run_id, a.node, a.visit, a.attempts, a.fence, r.workflow_id, r.version_id,
  coalesce(r.contact_id, r.started_as), r.started_as, r.variables, r.positions, r.is_test, r.status, w.status, v.graph, a.begun_at
from unnest(%(tenants)s::uuid[], %(ids)s::uuid[]) u(tenant, id)
join run_actions a on a.workspace_id = u.tenant and a.id = u.id
join workflow_runs r on r.workspace_id = a.workspace_id and r.id = a.run_id
join automation_workflows w on w.workspace_id = r.workspace_id and w.id = r.workflow_id
join workflow_versions v on v.workspace_id = r.workspace_id and v.id = r.version_id
"""

# Right before the steps run: what was paused, cancelled or left while contexts were made is seen here.
LAST_LOOK = """
select a.id, r.status, w.status, exists (select from run_stimuli s where s.workspace_id = a.workspace_id
  and s.run_id = a.run_id and s.kind = 'exit' and not s.parked) as leaves
from unnest(%(tenants)s::uuid[], %(ids)s::uuid[], %(fences)s::bigint[]) u(tenant, id, fence)
join run_actions a on a.workspace_id = u.tenant and a.id = u.id and a.fence + 0 = u.fence
join workflow_runs r on r.workspace_id = a.workspace_id and r.id = a.run_id
join automation_workflows w on w.workspace_id = r.workspace_id and w.id = r.workflow_id
"""

# Committed before the effect: whoever finds it later knows that the effect may have happened.
BEGIN = """
update run_actions a set begun_at = clock_timestamp()
from unnest(%(tenants)s::uuid[], %(ids)s::uuid[], %(fences)s::bigint[]) u(tenant, id, fence)
where a.workspace_id = u.tenant and a.id = u.id and a.fence + 0 = u.fence returning a.id
"""

# The result is written only by who still holds the fence; nobody else's row is touched.
SETTLE = """
with held as (
  delete from run_actions a using jsonb_to_recordset(%(rows)s::jsonb) u(w uuid, i uuid, f bigint, s uuid, p jsonb)
  where a.workspace_id = u.w and a.id = u.i and a.fence + 0 = u.f
  returning a.workspace_id, a.run_id, a.id, a.node, a.visit, u.s, u.p)
insert into run_stimuli (workspace_id, run_id, source_key, id, kind, node, visit, payload)
select workspace_id, run_id, 'action:' || id, s, 'action', node, visit, p from held on conflict do nothing
"""

AGAIN = """
update run_actions a set due_at = now() + make_interval(secs => u.d), lease_until = null, last_error = u.e,
  begun_at = null
from jsonb_to_recordset(%(rows)s::jsonb) u(w uuid, i uuid, f bigint, d double precision, e text)
where a.workspace_id = u.w and a.id = u.i and a.fence + 0 = u.f
"""

# What is held counts no attempt; it is looked at ever more rarely, and at once when its run goes on.
HOLD = f"""
update run_actions a set lease_until = null, attempts = greatest(a.attempts - 1, 0), last_error = '{HELD}',
  due_at = now() + least(greatest((now() - a.created_at) / 4, interval '15 s'), interval '1 hour')
from jsonb_to_recordset(%(rows)s::jsonb) u(w uuid, i uuid, f bigint)
where a.workspace_id = u.w and a.id = u.i and a.fence + 0 = u.f
"""

# Its exit rule was met: Advance ends the run in a moment, and then it is dropped.
LEAVE = """
update run_actions a set lease_until = null, attempts = greatest(a.attempts - 1, 0), due_at = now() + interval '1 s'
from jsonb_to_recordset(%(rows)s::jsonb) u(w uuid, i uuid, f bigint)
where a.workspace_id = u.w and a.id = u.i and a.fence + 0 = u.f
"""

DROP = """
delete from run_actions a using jsonb_to_recordset(%(rows)s::jsonb) u(w uuid, i uuid, f bigint)
where a.workspace_id = u.w and a.id = u.i and a.fence + 0 = u.f
"""
