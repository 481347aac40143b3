"""The writes of a batch: one statement per table, whatever the number of runs.

Rows travel as one JSON text that PostgreSQL takes apart: measured faster than an array per column.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from psycopg import Connection, Cursor

from autoloop.base.ids import id_floor, new_id
from autoloop.engine.advance.claim import Claimed, ids
from autoloop.engine.chains import place_of_told
from autoloop.engine.services.endings import LISTENED
from autoloop.engine.turns import Turn, forgotten_before

__all__ = [
    "add_waits",
    "announce",
    "insert_actions",
    "insert_steps",
    "remove_waits",
    "state_of",
    "update_runs",
]

UPDATE_RUNS = """
update workflow_runs r set status = u.s, reason = u.r, positions = u.p, visits = u.v,
  variables = coalesce(u.x, r.variables), steps = u.q, due_at = u.d, attempts = 0, moved_at = %(now)s,
  ended_at = case when u.e is not null then coalesce(r.ended_at, u.e) end
from jsonb_to_recordset(%(rows)s::jsonb) u(w uuid, i uuid, s text, r text, p jsonb, v jsonb, x jsonb, q int,
  d timestamptz, e timestamptz)
where r.workspace_id = u.w and r.id = u.i
"""

INSERT_STEPS = """
insert into run_steps (workspace_id, run_id, seq, node, type, visit, position, outcome, port, detail, entered_at, at)
select u.w, u.i, u.q, u.n, u.t, u.v, u.p, u.o, u.x, u.d, u.e, %(now)s
from jsonb_to_recordset(%(rows)s::jsonb) u(w uuid, i uuid, q int, n text, t text, v int, p int, o text, x text,
  d jsonb, e timestamptz)
"""

INSERT_WAITS = """
insert into run_waits (workspace_id, run_id, node, visit, position, kind, contact_id, event, match, until, since)
select u.w, u.i, u.n, u.v, u.p, u.k, u.c, u.e, u.m, u.u, u.s
from jsonb_to_recordset(%(rows)s::jsonb) u(w uuid, i uuid, n text, v int, p int, k text, c uuid, e text, m jsonb,
  u timestamptz, s timestamptz)
"""

# Events that were faster than the run: they came after `since`, before this wait was made, and no earlier
# wait of the same branch was ended by them.
LOOK_BACK = """
insert into run_stimuli (workspace_id, run_id, source_key, id, kind, node, visit, payload)
select u.w, u.i, 'event:' || e.id || ':' || u.n || ':' || u.v, e.id, 'event', u.n, u.v,
  jsonb_build_object('event_id', e.id, 'name', e.name, 'data', e.data)
from jsonb_to_recordset(%(rows)s::jsonb) u(w uuid, i uuid, n text, v int, c uuid, e text, m jsonb, f uuid,
  x uuid[])
cross join lateral (
  select e.id, e.name, e.data from events e
  where e.workspace_id = u.w and e.contact_id = u.c and e.name = u.e and e.id >= u.f and e.data @> u.m
    and e.id <> all(u.x)
  order by e.id limit 1) e
on conflict do nothing
"""

DELETE_WAITS = """
delete from run_waits w
using unnest(%(tenants)s::uuid[], %(runs)s::uuid[], %(nodes)s::text[], %(visits)s::int[]) u(tenant, run, node, visit)
where w.workspace_id = u.tenant and w.run_id = u.run and w.node = u.node and w.visit = u.visit
"""

INSERT_ACTIONS = """
insert into run_actions (workspace_id, id, run_id, node, visit, type, due_at)
select u.w, u.i, u.r, u.n, u.v, u.t, %(now)s
from jsonb_to_recordset(%(rows)s::jsonb) u(w uuid, i uuid, r uuid, n text, v int, t text)
"""

ANNOUNCE = f"""
insert into events (workspace_id, id, name, contact_id, data, occurred_at, chain)
select r.workspace_id, r.i, 'workflow.finished', r.contact_id,
  jsonb_build_object('workflow_id', r.f, 'run_id', r.r, 'status', r.s, 'reason', r.y), %(now)s, r.h
from (select w as workspace_id, i, c as contact_id, f, r, s, y, h
  from jsonb_to_recordset(%(rows)s::jsonb) u(w uuid, i uuid, c uuid, f uuid, r uuid, s text, y text, h smallint)) r
where {LISTENED}
"""

Turns = Sequence[tuple[Claimed, Turn]]
ENDED = frozenset({"completed", "stopped", "failed", "cancelled"})


def state_of(turn: Turn, now: datetime) -> dict[str, Any]:
    """What a turn makes of a run, as `UPDATE_RUNS` and the insert of new runs read it."""
    state: dict[str, Any] = {
        "s": turn.status,
        "r": turn.reason,
        "p": turn.positions,
        "v": turn.visits,
        "q": turn.seq,
        "d": turn.due_at,
    }
    if turn.variables is not None:
        state["x"] = turn.variables
    if turn.status in ENDED:
        state["e"] = now
    return state


def update_runs(cursor: Cursor[Any], turns: Turns, now: datetime) -> None:
    rows = [{"w": run.workspace_id, "i": run.id, **state_of(turn, now)} for run, turn in turns]
    cursor.execute(UPDATE_RUNS, {"rows": dump(rows), "now": now}, prepare=True)


def insert_steps(cursor: Cursor[Any], turns: Turns, now: datetime) -> int:
    """Write the journal; returns the number of its new lines."""
    rows = []
    for run, turn in turns:
        tenant, key = run.workspace_id, run.id
        for seq, node, kind, visit, position, outcome, port, since, detail in turn.journal:
            row = {
                "w": tenant,
                "i": key,
                "q": seq,
                "n": node,
                "t": kind,
                "v": visit,
                "p": position,
                "o": outcome,
                "x": port,
                "e": since,
            }
            if detail is not None:
                row["d"] = detail
            rows.append(row)
    if rows:
        cursor.execute(INSERT_STEPS, {"rows": dump(rows), "now": now}, prepare=True)
    return len(rows)


def remove_waits(cursor: Cursor[Any], turns: Turns) -> None:
    gone = [(run.workspace_id, run.id, node, visit) for run, turn in turns for node, visit in turn.gone]
    if gone:
        tenants, runs, nodes, visits = zip(*gone, strict=True)
        values = {"tenants": ids(tenants), "runs": ids(runs), "nodes": list(nodes), "visits": list(visits)}
        cursor.execute(DELETE_WAITS, values, prepare=True)


def add_waits(cursor: Cursor[Any], turns: Turns) -> None:
    """Make the waits findable, and look back for what they missed."""
    rows, events = [], []
    for run, turn in turns:
        for wait in turn.waits:
            row: dict[str, Any] = {
                "w": run.workspace_id,
                "i": run.id,
                "n": wait.node,
                "v": wait.visit,
                "p": wait.position,
                "k": wait.kind,
                "c": run.contact_id,
            }
            if wait.kind == "event" and wait.since is not None:
                floor = max(str(id_floor(wait.since)), forgotten_before(wait.taken))
                row.update(e=wait.event, m=wait.match, u=wait.until, s=wait.since, f=floor, x=wait.taken)
                events.append(row)
            rows.append(row)
    if rows:
        cursor.execute(INSERT_WAITS, {"rows": dump(rows)}, prepare=True)
    if events:
        cursor.execute(LOOK_BACK, {"rows": dump(events)}, prepare=True)


def insert_actions(
    cursor: Cursor[Any], turns: Turns, kinds: dict[tuple[str, str], str], now: datetime
) -> int:
    """Ask Perform for I/O; `kinds` gives the step type by (version, node). Returns how many."""
    rows = [
        {
            "w": run.workspace_id,
            "i": new_id(),
            "r": run.id,
            "n": node,
            "v": visit,
            "t": kinds[run.version_id, node],
        }
        for run, turn in turns
        for node, visit in turn.actions
    ]
    if rows:
        cursor.execute(INSERT_ACTIONS, {"rows": dump(rows), "now": now}, prepare=True)
    return len(rows)


def announce(connection: Connection[Any], turns: Turns, now: datetime) -> Cursor[Any] | None:
    """Tell `workflow.finished` of runs that end in this batch, where a workflow listens to it.

    The rows of what is given back are the events; None if no run ends. Test runs tell nothing.
    """
    rows = [
        {
            "w": run.workspace_id,
            "i": new_id(),
            "c": run.contact_id,
            "f": run.workflow_id,
            "r": run.id,
            "s": turn.status,
            "y": turn.reason,
            "h": place_of_told(run.id, run.variables, now),
        }
        for run, turn in turns
        if turn.status in ENDED and run.status not in ENDED and not run.is_test
    ]
    if not rows:
        return None
    return connection.execute(ANNOUNCE, {"rows": dump(rows), "now": now}, prepare=True)


def dump(rows: list[dict[str, Any]]) -> str:
    # PostgreSQL's jsonb has no NUL; a lone one inside a contact's data must not stop a batch.
    return orjson.dumps(rows).decode().replace("\\u0000", "\\ufffd")
