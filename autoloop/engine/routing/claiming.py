"""Taking events in hand: a share of each workspace's, the oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from psycopg import Cursor

from autoloop.base.due import share_of

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["PROBE", "Inbox", "claim", "claim_this", "keys", "put_away"]

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

CLAIM = f"""
select inbox.* from unnest(%(tenants)s::uuid[]) tenant(id) cross join lateral (
  select {COLUMNS} from events e where e.workspace_id = tenant.id and e.pending
  order by e.id limit {{share}} for no key update skip locked) inbox
"""

CLAIM_THESE = f"""
select {COLUMNS} from unnest(%(tenants)s::uuid[], %(ids)s::uuid[]) u(tenant, id)
join events e on e.workspace_id = u.tenant and e.id = u.id where e.pending for no key update of e skip locked
"""

DONE = """
update events e set pending = false from unnest(%(tenants)s::uuid[], %(ids)s::uuid[]) u(tenant, id)
where e.workspace_id = u.tenant and e.id = u.id and e.id = any(%(ids)s::uuid[])
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
    return [Inbox._make(row) for row in cursor.fetchall()]


def claim_this(cursor: Cursor[Any], event: Inbox) -> list[Inbox]:
    cursor.execute(CLAIM_THESE, keys([event]))
    return [Inbox._make(row) for row in cursor.fetchall()]


def keys(events: Sequence[Inbox]) -> dict[str, list[UUID]]:
    return {"tenants": [event.workspace_id for event in events], "ids": [event.id for event in events]}


def put_away(cursor: Cursor[Any], events: Sequence[Inbox]) -> None:
    """They are routed; from now on they are history."""
    cursor.execute(DONE, keys(events))
