"""Taking events in hand: a share of each workspace's, the oldest first. In hand they are pending no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from psycopg import Cursor

from autoloop.base.due import share_of

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["PROBE", "Inbox", "claim", "keys", "put_away"]

BATCH = 500

PROBE = "select exists (select 1 from events where pending)"

TENANTS = f"""
with recursive hop as (
  (select workspace_id from events where pending order by workspace_id, id limit 1)
  union all
  select next.workspace_id from hop cross join lateral (
    select workspace_id from events where pending and workspace_id > hop.workspace_id
    order by workspace_id, id limit 1) next)
select workspace_id from hop limit {BATCH}
"""

COLUMNS = "e.workspace_id, e.id, e.name, e.contact_id, e.data, e.occurred_at, e.chain"

# What is in hand is put away at once: it is so for others from the commit on, and a rollback takes it back.
# Rows are found again by their place. By their key the planner, while its statistics are older than the
# rows, may walk over a whole index for each: tried, ten times all else that routing costs PostgreSQL.
CLAIM = f"""
update events e set pending = false from (
  select inbox.* from unnest(%(tenants)s::uuid[]) tenant(id) cross join lateral (
    select i.ctid as place, i.tableoid as part, i.workspace_id, i.id from events i
    where i.workspace_id = tenant.id and i.pending
    order by i.id limit {{share}} for no key update skip locked) inbox) held
where e.ctid = held.place and e.tableoid = held.part and e.workspace_id = held.workspace_id and e.id = held.id
returning {COLUMNS}
"""

PUT_AWAY = f"""
update events e set pending = false
where e.workspace_id = %(tenant)s and e.id = %(id)s and e.pending returning {COLUMNS}
"""


class Inbox(NamedTuple):
    """An event in hand."""

    workspace_id: UUID
    id: UUID
    name: str
    contact_id: UUID | None
    data: dict[str, Any]
    occurred_at: datetime
    chain: int = 0


def claim(cursor: Cursor[Any]) -> list[Inbox]:
    cursor.execute(TENANTS)
    tenants = [row[0] for row in cursor.fetchall()]
    if not tenants:
        return []
    cursor.execute(CLAIM.format(share=share_of(BATCH, len(tenants))), {"tenants": tenants})
    return sorted(map(Inbox._make, cursor.fetchall()), key=lambda event: event[:2])


def put_away(cursor: Cursor[Any], event: Inbox) -> list[Inbox]:
    """Take this one in hand, if it is still pending: from the commit on it is history."""
    cursor.execute(PUT_AWAY, {"tenant": event.workspace_id, "id": event.id})
    return [Inbox._make(row) for row in cursor.fetchall()]


def keys(events: Sequence[Inbox]) -> dict[str, list[UUID]]:
    return {"tenants": [event.workspace_id for event in events], "ids": [event.id for event in events]}
