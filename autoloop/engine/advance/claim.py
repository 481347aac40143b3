"""The claim: due runs by turns of their workspaces, locked until the commit.

Workspaces are found by hopping through the index from one to the next: the first entry of each is its
earliest due run, so that neither a million waiting runs nor one tenant's backlog is walked over. Limits
are literals, rounded, so that few plans repeat; `for no key update` lets others insert rows that
refer to a run while it is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection, Cursor

from autoloop.base.due import share_of

__all__ = ["ByTurns", "Claimed", "claim_one", "claim_these", "ids"]

NIL = str(UUID(int=0))

LOCK = "select now(), pg_advisory_xact_lock(hashtextextended(%s::text, 7))"

DUE_TENANTS = """
with recursive hop as (
  (select workspace_id, due_at from workflow_runs
   where due_at is not null and attempts = 0 and workspace_id > %(start)s::uuid
   order by workspace_id, due_at limit 1)
  union all
  select next.workspace_id, next.due_at from hop cross join lateral (
    select workspace_id, due_at from workflow_runs
    where due_at is not null and attempts = 0 and workspace_id > hop.workspace_id
    order by workspace_id, due_at limit 1) next)
select workspace_id::text from hop where due_at <= coalesce(%(now)s, now()) limit {batch}
"""

TOLD_TENANTS = """
with recursive hop as (
  (select workspace_id from run_stimuli where not parked and workspace_id > %(start)s::uuid
   order by workspace_id, id limit 1)
  union all
  select next.workspace_id from hop cross join lateral (
    select workspace_id from run_stimuli where not parked and workspace_id > hop.workspace_id
    order by workspace_id, id limit 1) next)
select workspace_id::text from hop limit {batch}
"""

TENANTS = f"select * from ({DUE_TENANTS}) due union select * from ({TOLD_TENANTS}) told"

COLUMNS = """r.workspace_id, r.id, r.workflow_id, r.version_id, r.contact_id, r.started_as, r.status,
  r.positions, r.visits, r.variables, r.steps, r.is_test, r.attempts, r.reason"""
# Ids travel as text: they are compared, written and shown, never computed with; UUID objects would cost
# more than interpreting a step.
IDS = ("workspace_id", "id", "workflow_id", "version_id", "contact_id", "started_as")
NAMES = (
    # A test of somebody invented has no contact: its id stands for one that nothing is known of.
    ", ".join(f"held.{name}::text" for name in IDS).replace(
        "held.contact_id", "coalesce(held.contact_id, held.started_as)"
    )
    + COLUMNS.replace("r.", "held.").split("held.started_as")[1]
)
STATUS = (
    "join automation_workflows flow on flow.workspace_id = held.workspace_id and flow.id = held.workflow_id"
)

CLAIM = f"""
select {NAMES}, flow.status from (
  select due.* from unnest(%(tenants)s::uuid[]) tenant(id) cross join lateral (
    select {COLUMNS} from workflow_runs r
    where r.workspace_id = tenant.id and r.due_at <= coalesce(%(now)s, now()) and r.due_at is not null and r.attempts = 0
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
  where r.due_at is not null and r.attempts > 0 and r.due_at <= coalesce(%(now)s, now())
  order by r.workspace_id, r.due_at limit 1 for no key update skip locked) held {STATUS}
"""


class Claimed(NamedTuple):
    """A run in hand, with its workflow's status."""

    workspace_id: str
    id: str
    workflow_id: str
    version_id: str
    contact_id: str
    started_as: str
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
    """Claims up to `size` runs, an equal share for each workspace, going round over the workspaces.

    One trip to the database where the same workspaces have work as last time, which is almost always:
    the claim goes out together with the search for workspaces.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.start = NIL
        self.tenants: list[str] = []

    def __call__(
        self, connection: Connection[Any], batch: UUID, now: datetime | None
    ) -> tuple[datetime, list[Claimed]]:
        size, guess = self.size, self.tenants
        share = share_of(size, len(guess))
        held: dict[str, Claimed] = {}
        with connection.pipeline():
            locked = lock_batch(connection, batch)
            due = self._search(connection, self.start, now)
            first = self._claim(connection, guess, share, now) if guess else None
        at: datetime = now or locked.fetchone()[0]  # type: ignore[index]
        full = self._take(first, held, share) if first is not None else set()
        found = self._found(connection, due, now)
        self.tenants = found
        rest = [tenant for tenant in found if tenant not in guess]
        if len(guess) > 1:  # those that gave less than their share have no more
            rest += [tenant for tenant in guess if tenant in full]
        while rest and len(held) < size:
            # Our own locks do not hide a row from us: a second look asks for more and meets the first again.
            share = max(share_of(size - len(held), len(rest)), 2 * share if first is not None else 0)
            first = self._claim(connection, rest, share, now)
            full = self._take(first, held, share)
            rest = [tenant for tenant in rest if tenant in full] if len(rest) > 1 else []
        return at, list(held.values())[:size]

    def _search(self, connection: Connection[Any], start: str, now: datetime | None) -> Cursor[Any]:
        sql = TENANTS.format(batch=self.size)
        return connection.execute(sql, {"start": start, "now": now}, prepare=True, binary=True)

    def _claim(
        self, connection: Connection[Any], tenants: list[str], share: int, now: datetime | None
    ) -> Cursor[Any]:
        values = {"tenants": ids(tenants), "now": now}
        return connection.execute(CLAIM.format(share=share), values, prepare=True, binary=True)

    def _take(self, cursor: Cursor[Any], held: dict[str, Claimed], share: int) -> set[str]:
        """Keep the rows; the workspaces that gave all they were asked for."""
        counts: dict[str, int] = {}
        for row in cursor.fetchall():
            counts[row[0]] = counts.get(row[0], 0) + 1
            held[row[1]] = Claimed._make(row)
        return {tenant for tenant, count in counts.items() if count >= share}

    def _found(self, connection: Connection[Any], due: Cursor[Any], now: datetime | None) -> list[str]:
        found = sorted(row[0] for row in due.fetchall())[: self.size]
        if len(found) < self.size and self.start != NIL:
            again = self._search(connection, NIL, now)
            found += [row[0] for row in again.fetchall() if row[0] not in found]
            del found[self.size :]
        self.start = found[-1] if len(found) >= self.size else NIL
        return found


def claim_these(
    runs: Sequence[Claimed], connection: Connection[Any], batch: UUID, now: datetime | None
) -> tuple[datetime, list[Claimed]]:
    """These runs again, as far as nobody else holds them."""
    with connection.pipeline():
        locked = lock_batch(connection, batch)
        values = {"tenants": ids(run.workspace_id for run in runs), "ids": ids(run.id for run in runs)}
        rows = connection.execute(CLAIM_THESE, values, binary=True)
    return now or locked.fetchone()[0], [Claimed._make(row) for row in rows.fetchall()]  # type: ignore[index]


def claim_one(
    connection: Connection[Any], batch: UUID, now: datetime | None
) -> tuple[datetime, list[Claimed]]:
    """One run that broke a worker or a batch before."""
    with connection.pipeline():
        locked = lock_batch(connection, batch)
        rows = connection.execute(CLAIM_ONE, {"now": now}, prepare=True, binary=True)
    return now or locked.fetchone()[0], [Claimed._make(row) for row in rows.fetchall()]  # type: ignore[index]


def lock_batch(connection: Connection[Any], batch: UUID) -> Cursor[Any]:
    """Show that this batch's worker lives, until its transaction ends. Gives the database's now()."""
    return connection.execute(LOCK, (batch,), prepare=True, binary=True)


def ids(keys: Iterable[str]) -> str:
    """An array of ids as PostgreSQL reads it; psycopg's own way costs ten times as much."""
    return "{" + ",".join(keys) + "}"
