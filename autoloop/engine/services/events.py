"""The inbox: events are written here in the transaction of whoever emits them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.events import Event
from autoloop.base.ids import new_id
from autoloop.base.services import Services

__all__ = ["receive"]

INSERT = text("""
with given as (
  select * from jsonb_to_recordset(cast(:rows as jsonb))
    g(w uuid, i uuid, n text, c uuid, d jsonb, s text, k text, o timestamptz, h smallint)),
keyed as (
  insert into event_keys (workspace_id, source, source_id, event_id)
  select w, s, k, i from given where k is not null order by w, s, k
  on conflict do nothing returning event_id)
insert into events (workspace_id, id, name, contact_id, data, source, source_id, occurred_at, chain)
select w, i, n, c, d, s, k, coalesce(o, now()), coalesce(h, 0) from given where k is null or i in (select event_id from keyed)
on conflict do nothing returning id
""")

# Without source ids nothing can be known already: no look-up, and no ids sent back. An import tells of
# thousands of contacts at once.
INSERT_NEW = text("""
insert into events (workspace_id, id, name, contact_id, data, source, occurred_at, chain)
select w, i, n, c, d, s, coalesce(o, now()), coalesce(h, 0)
from jsonb_to_recordset(cast(:rows as jsonb))
  g(w uuid, i uuid, n text, c uuid, d jsonb, s text, o timestamptz, h smallint)
on conflict do nothing
""")


def receive(services: Services, events: Sequence[Event]) -> list[UUID | None]:
    """Write events into the inbox. The id of each in order; None for one whose source id is known already.

    The contact must be of the event's workspace. Nudge "route" after the commit.
    """
    rows: list[dict[str, Any]] = []
    for event in events:
        row: dict[str, Any] = {
            "w": event.workspace_id,
            "i": event.id or new_id(),
            "n": event.name,
            "d": event.data,
            "s": event.source,
            "k": event.source_id,
            "o": event.occurred_at,
        }
        if event.contact_id is not None:
            row["c"] = event.contact_id
        if event.chain:
            row["h"] = event.chain
        rows.append(row)
    if not rows:
        return []
    written = orjson.dumps(rows, default=str).decode().replace("\\u0000", "\\ufffd")
    if all(event.source_id is None for event in events):
        services.session.execute(INSERT_NEW, {"rows": written})
        return [row["i"] for row in rows]
    kept = set(services.session.execute(INSERT, {"rows": written}).scalars())
    return [row["i"] if row["i"] in kept else None for row in rows]
