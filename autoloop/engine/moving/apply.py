"""The writes of a move: each table with one statement, whatever the number of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.services import Services
from autoloop.engine.moving.plan import Carried, Route, carry, place_of, route_between

__all__ = ["move_runs"]

# `no key update`, in id order: as Advance, which has them or has not; what is inserted meanwhile for a
# renamed wait finds it by the run's own list of names.
HOLD = text("""
select r.id, r.version_id, r.status, r.positions, r.visits, r.variables, r.steps from workflow_runs r
where r.workspace_id = :workspace and r.id = any(cast(:runs as uuid[])) and r.ended_at is null
  and r.version_id <> :to and not r.is_test order by r.id for no key update
""")

GRAPHS = text("""
select v.id, v.number, v.graph from workflow_versions v
where v.workspace_id = :workspace and v.id = any(cast(:versions as uuid[]))
""")

UPDATE = text("""
update workflow_runs r set version_id = :to, positions = u.p, visits = u.v, variables = u.x, steps = r.steps + 1,
  status = case when r.status in ('active', 'waiting') then u.s else r.status end,
  due_at = case when r.status in ('active', 'waiting') then now() end, moved_at = now()
from jsonb_to_recordset(cast(:rows as jsonb)) u(i uuid, p jsonb, v jsonb, x jsonb, s text)
where r.workspace_id = :workspace and r.id = u.i
""")

JOURNAL = text("""
insert into run_steps (workspace_id, run_id, seq, node, type, visit, position, outcome, detail, entered_at, at)
select :workspace, u.i, u.q, '', '', 0, 0, 'moved', u.d, now(), now()
from jsonb_to_recordset(cast(:rows as jsonb)) u(i uuid, q int, d jsonb)
""")

# Goals listen under visits from 0 down: they begin to listen anew, and look back for what they missed.
FORGET = [
    text("""
delete from run_waits w using jsonb_to_recordset(cast(:rows as jsonb)) u(i uuid)
where w.workspace_id = :workspace and w.run_id = u.i and w.visit <= 0"""),
    text("""
delete from run_stimuli s using jsonb_to_recordset(cast(:rows as jsonb)) u(i uuid)
where s.workspace_id = :workspace and s.run_id = u.i and s.kind = 'event' and s.visit <= 0"""),
]

LET_GO = text("""
delete from run_waits w using jsonb_to_recordset(cast(:rows as jsonb)) u(i uuid, n text, v int)
where w.workspace_id = :workspace and w.run_id = u.i and w.node = u.n and w.visit = u.v
""")

RENAME = [
    text(f"""
update {table} w set node = u.m, visit = u.f
from jsonb_to_recordset(cast(:rows as jsonb)) u(i uuid, n text, v int, m text, f int)
where w.workspace_id = :workspace and w.run_id = u.i and w.node = u.n and w.visit = u.v""")
    for table in ("run_waits", "run_actions")
] + [
    text("""
update workflow_runs c set parent_node = u.m, parent_visit = u.f
from jsonb_to_recordset(cast(:rows as jsonb)) u(i uuid, n text, v int, m text, f int)
where c.workspace_id = :workspace and c.parent_run_id = u.i and c.parent_node = u.n and c.parent_visit = u.v""")
]


def move_runs(
    services: Services, runs: Sequence[UUID], to: UUID, given: Mapping[str, str | None], why: str
) -> tuple[int, dict[str, int]]:
    """Move these runs, as far as they can go, in this transaction. Returns how many, and why others stay.

    `given` maps nodes as `route_between` reads it. Each run's journal says from where to where it moved.
    """
    session, tenant = services.session, services.workspace_id
    found = session.execute(HOLD, {"workspace": tenant, "runs": list(runs), "to": to}).all()
    versions = {row.version_id for row in found} | {to}
    graphs = {
        row.id: row for row in session.execute(GRAPHS, {"workspace": tenant, "versions": list(versions)})
    }
    routes = {id: route_between(graphs[id].graph, graphs[to].graph, given) for id in versions}
    now = services.clock.now().isoformat()
    moved, stays = list[tuple[Any, Carried, dict[str, Any]]](), dict[str, int]()
    for row in found:
        route = routes[row.version_id]
        refused = route.refusal(place_of(each) for each in row.positions)
        if refused is not None:
            stays[refused[0]] = stays.get(refused[0], 0) + 1
            continue
        numbers = {"from": graphs[row.version_id].number, "to": graphs[to].number}
        detail = {"why": why, **numbers, "nodes": _renames(route, row.positions)}
        moved.append((row, carry(route, row.positions, row.visits, row.variables, now), detail))
    _write(services, to, moved)
    gone = len(runs) - len(found)
    return len(moved), stays | ({"other_status": gone} if gone else {})


def _renames(route: Route, positions: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    here = [each["node"] for each in positions]
    return {node: route.nodes[node] for node in here if route.nodes[node] != node}


def _write(services: Services, to: UUID, moved: Sequence[tuple[Any, Carried, dict[str, Any]]]) -> None:
    def run(statement: Any, rows: list[dict[str, Any]], **more: Any) -> None:
        if rows:
            values = {"workspace": services.workspace_id, "rows": orjson.dumps(rows).decode(), **more}
            services.session.execute(statement, values)

    run(
        UPDATE,
        [
            {
                "i": row.id,
                "p": new.positions,
                "v": new.visits,
                "x": new.variables,
                "s": "active" if new.is_free else "waiting",
            }
            for row, new, _ in moved
        ],
        to=to,
    )
    run(JOURNAL, [{"i": row.id, "q": row.steps + 1, "d": detail} for row, _, detail in moved])
    for statement in FORGET:
        run(statement, [{"i": row.id} for row, _, _ in moved])
    run(LET_GO, [{"i": row.id, "n": node, "v": visit} for row, new, _ in moved for node, visit in new.gone])
    names = [
        {"i": row.id, "n": old, "v": visit, "m": node, "f": fresh}
        for row, new, _ in moved
        for old, visit, node, fresh in new.renamed
    ]
    for statement in RENAME:
        run(statement, names)
