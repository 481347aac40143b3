"""Runs that failed go on from the step where they failed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from autoloop.base.services import Services

__all__ = ["retry_failed"]

# A failure ends the whole run and lets go of all its places. So a run that stood in several (fork), in a
# list (for_each) or listened for a goal cannot be put back where it was; a new visit gives what the step
# does a new key, so that it is done again.
RETRY = text("""
with broken as (
  select r.workspace_id, r.id, r.steps, s.node, s.type, s.position, coalesce((r.visits ->> s.node)::int, 0) + 1 as visit
  from workflow_runs r
  join workflow_versions v on v.workspace_id = r.workspace_id and v.id = r.version_id
  cross join lateral (select s.node, s.type, s.position from run_steps s
    where s.workspace_id = r.workspace_id and s.run_id = r.id and s.outcome = 'failed' order by s.seq desc limit 1) s
  where r.workspace_id = :workspace and r.id = any(cast(:runs as uuid[])) and r.status = 'failed'
    and v.graph -> 'nodes' @> jsonb_build_array(jsonb_build_object('id', s.node))
    and not v.graph -> 'nodes' @? '$[*] ? (@.type == "goal")'
    and not exists (select 1 from run_steps p where p.workspace_id = r.workspace_id and p.run_id = r.id
      and (p.type in ('fork', 'for_each') or p.node in (
        select e ->> 'from' from jsonb_array_elements(v.graph -> 'edges') e
        group by e ->> 'from', coalesce(e ->> 'port', 'next') having count(*) > 1)))),
woken as (
  update workflow_runs r set status = 'active', reason = null, attempts = 0, due_at = now(), moved_at = now(),
    ended_at = null, steps = r.steps + 1, visits = r.visits || jsonb_build_object(b.node, b.visit),
    positions = jsonb_build_array(jsonb_build_object('id', b.position, 'node', b.node, 'visit', b.visit,
      'since', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')))
  from broken b where r.workspace_id = b.workspace_id and r.id = b.id returning r.id)
insert into run_steps (workspace_id, run_id, seq, node, type, visit, position, outcome, detail, entered_at, at)
select b.workspace_id, b.id, b.steps + 1, b.node, b.type, b.visit, b.position, 'retried',
  jsonb_build_object('why', cast(:why as text)), now(), now() from broken b join woken w on w.id = b.id
returning run_id
""")


def retry_failed(services: Services, held: Sequence[UUID], why: str) -> list[UUID]:
    """Set failed runs, whose locks the caller holds, back to the step that failed. Returns those that can be."""
    values = {"workspace": services.workspace_id, "runs": list(held), "why": why}
    return list(services.session.execute(RETRY, values).scalars())
