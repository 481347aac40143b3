"""Due work: kinds, leases on the database clock, fences, attempts, back-off."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = [
    "DueKind",
    "Lease",
    "Rounds",
    "backoff",
    "behind",
    "claim",
    "extend",
    "next_after",
    "share_of",
    "still_mine",
    "tenants_due",
]


@dataclass(frozen=True)
class DueKind:
    """Rows of one kind that have a moment at which something must happen.

    `probe` is SQL for one boolean: is anything due now? It runs at most a second apart, so it
    must be an index look-up. `work(runtime)` claims one batch, works it, commits, and returns
    how many rows it handled; 0 says that nothing is due.
    """

    name: str
    probe: str
    work: Callable[[Runtime], int]


@dataclass(frozen=True, slots=True)
class Lease:
    """A row held for a while: (workspace_id, id), its fence, and how often it was tried."""

    workspace_id: Any
    id: Any
    fence: int
    attempts: int


def backoff(
    attempt: int, *, base: timedelta, cap: timedelta, chance: Callable[[], float] = random.random
) -> timedelta:
    """Full jitter: anything between nothing and min(cap, base · 2^(attempt−1)).

    After "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    ceiling = min(cap.total_seconds(), base.total_seconds() * 2 ** min(attempt - 1, 32))
    return timedelta(seconds=chance() * ceiling)


def share_of(batch: int, tenants: int) -> int:
    """How many rows each of `tenants` may have: ⌈batch/tenants⌉ rounded up to 1, 2, 5, 10 …

    Rounded, because the number stands literally in the statement and few plans should repeat.
    """
    exact = -(-batch // max(tenants, 1))
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step >= exact:
                return factor * step
        step *= 10


# Workspaces that have due rows, found by hopping through the index (a loose index scan), from a
# rotating start; then each one's oldest rows. FOR NO KEY UPDATE, because plain FOR UPDATE would make
# every insert that refers to such a row wait. The limits are literals: as parameters they cost
# the planner eight times the CPU per row.
TENANTS = """
with recursive tenant as (
  (select workspace_id from {table} where {due} and workspace_id {op} :start order by workspace_id limit 1)
  union all
  select (select t.workspace_id from {table} t where {due_t} and t.workspace_id > tenant.workspace_id
          order by t.workspace_id limit 1)
  from tenant where tenant.workspace_id is not null)
select workspace_id from tenant where workspace_id is not null limit {batch}
"""

CLAIM = """
update {table} set lease_until = clock_timestamp() + make_interval(secs => :lease),
  fence = {table}.fence + 1, attempts = {table}.attempts + 1
from (select picked.workspace_id, picked.id from unnest(cast(:tenants as uuid[])) as tenant(id)
  cross join lateral (select r.workspace_id, r.id from {table} r
    where r.workspace_id = tenant.id and {due_r}
    order by r.due_at limit {share} for no key update skip locked) picked) due
where {table}.workspace_id = due.workspace_id and {table}.id = due.id
returning {table}.workspace_id, {table}.id, {table}.fence, {table}.attempts
"""


def tenants_due(connection: Connection | Session, table: str, due: str, batch: int, start: Any) -> list[Any]:
    """Up to `batch` workspaces that have due rows, from `start` on and then from the beginning.

    `due` is a condition on the columns of `table`, written with the prefix `@.` ("@.due_at <= now()").
    """
    found: list[Any] = []
    for op in (">=", "<"):
        sql = TENANTS.format(
            table=table, batch=batch, op=op, due=due.replace("@.", f"{table}."), due_t=due.replace("@.", "t.")
        )
        rows = connection.execute(text(sql), {"start": start}).scalars().all()
        found += [row for row in rows if row not in found]
        if len(found) >= batch:
            break
    return found[:batch]


def claim(
    connection: Connection | Session, table: str, due: str, *, batch: int, lease: timedelta, start: Any
) -> list[Lease]:
    """Lease up to `batch` due rows, by turns of their workspaces. The caller commits.

    The table has workspace_id, id, due_at, lease_until, fence, attempts. A row under a live lease
    is not due: `due` need not say so.
    """
    free = f"({due}) and (@.lease_until is null or @.lease_until < clock_timestamp())"
    tenants = tenants_due(connection, table, free, batch, start)
    leases: list[Lease] = []
    while tenants and len(leases) < batch:
        share = share_of(batch - len(leases), len(tenants))
        sql = CLAIM.format(table=table, share=share, due_r=free.replace("@.", "r."))
        rows = connection.execute(text(sql), {"tenants": tenants, "lease": lease.total_seconds()}).all()
        leases += [Lease(*row) for row in rows]
        filled: dict[Any, int] = {}
        for row in rows:
            filled[row.workspace_id] = filled.get(row.workspace_id, 0) + 1
        tenants = [tenant for tenant in tenants if filled.get(tenant, 0) >= share]
    return leases


class Rounds:
    """One process's claims of a table: each begins behind the workspace that had its turn last.

    Else few rows at a time would all be of the workspace with the lowest id, until it has none left.
    """

    def __init__(self, table: str, due: str) -> None:
        self.table, self.due = table, due
        self.start = UUID(int=0)

    def claim(self, connection: Connection | Session, *, batch: int, lease: timedelta) -> list[Lease]:
        """As `claim`."""
        leases = claim(connection, self.table, self.due, batch=batch, lease=lease, start=self.start)
        self.start = behind(self.start, leases)
        return leases


def behind(start: UUID, leases: Sequence[Lease]) -> UUID:
    """Where the next claim begins: behind the last workspace that had its turn, going round from `start`."""
    served = {lease.workspace_id for lease in leases}
    last = max(served, key=lambda tenant: (tenant < start, tenant), default=None)
    return start if last is None else next_after(last)


def next_after(tenant: UUID) -> UUID:
    """The first place behind a workspace, going round."""
    return UUID(int=(tenant.int + 1) % 2**128)


def extend(connection: Connection | Session, table: str, leases: Sequence[Lease], lease: timedelta) -> int:
    """Heartbeat: keep the rows that are still ours. Returns how many are."""
    sql = f"""
    update {table} r set lease_until = clock_timestamp() + make_interval(secs => :lease)
    from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), cast(:fences as bigint[])) u(tenant, id, fence)
    where r.workspace_id = u.tenant and r.id = u.id and r.fence + 0 = u.fence"""
    done = connection.execute(text(sql), _columns(leases) | {"lease": lease.total_seconds()})
    return int(done.rowcount)  # type: ignore[attr-defined]


def still_mine(connection: Connection | Session, table: str, leases: Sequence[Lease]) -> set[Any]:
    """Ids of the rows whose fence is still ours, locked until the end of the transaction."""
    sql = f"""
    select r.id from {table} r
    join unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), cast(:fences as bigint[])) u(tenant, id, fence)
      on r.workspace_id = u.tenant and r.id = u.id and r.fence + 0 = u.fence
    order by r.id for no key update of r"""
    return set(connection.execute(text(sql), _columns(leases)).scalars())


def _columns(leases: Iterable[Lease]) -> dict[str, list[Any]]:
    rows = list(leases)
    return {
        "tenants": [lease.workspace_id for lease in rows],
        "ids": [lease.id for lease in rows],
        "fences": [lease.fence for lease in rows],
    }
