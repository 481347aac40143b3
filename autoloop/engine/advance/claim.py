"""The claim: due runs by turns of their workspaces, locked until the commit.

Workspaces are found by hopping through the index from one to the next: the first entry of each is its
earliest due run, so that neither a million waiting runs nor one tenant's backlog is walked over. Limits
are literals, rounded, so that few plans repeat; `for no key update` lets others insert rows that
refer to a run while it is held.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Cursor

from autoloop.base.due import share_of

__all__ = ["ByTurns", "Claimed", "claim_one", "claim_these"]

NIL = UUID(int=0)

DUE_TENANTS = """
with recursive hop as (
  (select workspace_id, due_at from workflow_runs
   where due_at is not null and attempts = 0 and workspace_id > %(start)s
   order by workspace_id, due_at limit 1)
  union all
  select next.workspace_id, next.due_at from hop cross join lateral (
    select workspace_id, due_at from workflow_runs
    where due_at is not null and attempts = 0 and workspace_id > hop.workspace_id
    order by workspace_id, due_at limit 1) next)
select workspace_id from hop where due_at <= %(now)s limit {batch}
"""

TOLD_TENANTS = """
with recursive hop as (
  (select workspace_id from run_stimuli where not parked and workspace_id > %(start)s
   order by workspace_id, id limit 1)
  union all
  select next.workspace_id from hop cross join lateral (
    select workspace_id from run_stimuli where not parked and workspace_id > hop.workspace_id
    order by workspace_id, id limit 1) next)
select workspace_id from hop limit {batch}
"""

TENANTS = f"select * from ({DUE_TENANTS}) due union select * from ({TOLD_TENANTS}) told"

COLUMNS = """r.workspace_id, r.id, r.workflow_id, r.version_id, r.contact_id, r.started_as, r.status,
  r.positions, r.visits, r.variables, r.steps, r.is_test, r.attempts, r.reason"""
NAMES = COLUMNS.replace("r.", "held.")
STATUS = (
    "join automation_workflows flow on flow.workspace_id = held.workspace_id and flow.id = held.workflow_id"
)

CLAIM = f"""
select {NAMES}, flow.status from (
  select due.* from unnest(%(tenants)s::uuid[]) tenant(id) cross join lateral (
    select {COLUMNS} from workflow_runs r
    where r.workspace_id = tenant.id and r.due_at <= %(now)s and r.due_at is not null and r.attempts = 0
    order by r.due_at limit {{share}} for no key update skip locked) due
  union all
  select told.* from unnest(%(tenants)s::uuid[]) tenant(id) cross join lateral (
    select {COLUMNS} from run_stimuli s
    join workflow_runs r on r.workspace_id = s.workspace_id and r.id = s.run_id and r.attempts = 0
    where s.workspace_id = tenant.id and not s.parked
    order by s.id limit {{share}} for no key update of r skip locked) told
) held {STATUS}
"""

CLAIM_THESE = f"""
select {NAMES}, flow.status from (
  select {COLUMNS} from unnest(%(tenants)s::uuid[], %(ids)s::uuid[]) u(tenant, id)
  join workflow_runs r on r.workspace_id = u.tenant and r.id = u.id
  for no key update of r skip locked) held {STATUS}
"""

CLAIM_ONE = f"""
select {NAMES}, flow.status from (
  select {COLUMNS} from workflow_runs r
  where r.due_at is not null and r.attempts > 0 and r.due_at <= %(now)s
  limit 1 for no key update skip locked) held {STATUS}
"""


class Claimed(NamedTuple):
    """A run in hand, with its workflow's status."""

    workspace_id: UUID
    id: UUID
    workflow_id: UUID
    version_id: UUID
    contact_id: UUID
    started_as: UUID
    status: str
    positions: list[dict[str, Any]]
    visits: dict[str, int]
    variables: dict[str, Any]
    steps: int
    is_test: bool
    attempts: int
    reason: str | None
    workflow_status: str


class ByTurns:
    """Claims up to `batch` runs, an equal share for each workspace, going round over the workspaces."""

    def __init__(self) -> None:
        self.start = NIL

    def __call__(self, cursor: Cursor[Any], batch: int, now: datetime) -> list[Claimed]:
        tenants = self._tenants(cursor, batch, now)
        held: dict[UUID, Claimed] = {}
        share = 0
        while tenants and len(held) < batch:
            share = max(share_of(batch - len(held), len(tenants)), 2 * share)
            cursor.execute(CLAIM.format(share=share), {"tenants": tenants, "now": now}, prepare=True)
            counts = dict.fromkeys(tenants, 0)
            for row in cursor.fetchall():
                counts[row[0]] += 1
                held[row[1]] = Claimed._make(row)
            # Those that gave less than their share have no more; our own locks do not hide a row
            # from us, so a second look asks for more and meets the first ones again.
            tenants = (
                [tenant for tenant, count in counts.items() if count >= share] if len(tenants) > 1 else []
            )
        return list(held.values())[:batch]

    def _tenants(self, cursor: Cursor[Any], batch: int, now: datetime) -> list[UUID]:
        sql = TENANTS.format(batch=batch)
        cursor.execute(sql, {"start": self.start, "now": now}, prepare=True)
        found = sorted(row[0] for row in cursor.fetchall())[:batch]
        if len(found) < batch and self.start != NIL:
            cursor.execute(sql, {"start": NIL, "now": now}, prepare=True)
            found += [row[0] for row in cursor.fetchall() if row[0] not in found]
            del found[batch:]
        self.start = found[-1] if len(found) >= batch else NIL
        return found


def claim_these(cursor: Cursor[Any], keys: list[tuple[UUID, UUID]]) -> list[Claimed]:
    """These runs, as far as nobody else holds them."""
    tenants, ids = [key[0] for key in keys], [key[1] for key in keys]
    cursor.execute(CLAIM_THESE, {"tenants": tenants, "ids": ids})
    return [Claimed._make(row) for row in cursor.fetchall()]


def claim_one(cursor: Cursor[Any], now: datetime) -> list[Claimed]:
    """One run that broke a worker or a batch before."""
    cursor.execute(CLAIM_ONE, {"now": now}, prepare=True)
    return [Claimed._make(row) for row in cursor.fetchall()]
