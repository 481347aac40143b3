"""Decision steps per second: Advance through the real tables, beside raw claim-advance-journal."""

from __future__ import annotations

from typing import Any, Self

import psycopg

from autoloop.engine.advance import Advancer
from autoloop.engine.advance.poison import BatchRows
from autoloop.engine.models import Workflow
from autoloop.engine.services import enrolment, versions
from autoloop.engine.services.workflows import WorkflowStatus
from benchmarks.stand import Stand, report, stand, timed

RUNS = 4_000
STEPS = 5  # each a wait of no time: one claim, one decision, one line of journal
BATCH = 100

FLOOR_TABLES = """
create table floor_run (workspace_id uuid not null, id uuid not null, status text not null, step int not null default 0,
  positions jsonb not null, variables jsonb not null, due_at timestamptz, lease_until timestamptz, primary key (workspace_id, id));
create index on floor_run (workspace_id, due_at) where due_at is not null;
create table floor_step (workspace_id uuid not null, run_id uuid not null, seq int not null, node text not null,
  outcome text not null, at timestamptz not null, primary key (run_id, seq));
grant all on floor_run, floor_step to autoloop_worker"""
FLOOR_FILL = """
truncate floor_run, floor_step;
insert into floor_run (workspace_id, id, status, positions, variables, due_at)
select '00000000-0000-7000-8000-0000000000aa', gen_random_uuid(), 'active',
  '[{"id": 1, "node": "s1", "visit": 1, "since": "2026-01-01T00:00:00+00:00"}]', '{"vars": {"plan": "pro"}}', now()
from generate_series(1, %s)"""
FLOOR_CLAIM = f"""
update floor_run set lease_until = now() + interval '60 s' where (workspace_id, id) in (
  select workspace_id, id from floor_run where workspace_id = %s and due_at <= now()
  order by due_at limit {BATCH} for no key update skip locked)
returning workspace_id, id, step, positions, variables"""
FLOOR_ADVANCE = """
update floor_run r set step = u.step, positions = u.positions, lease_until = null,
  due_at = case when u.step < %s then now() end, status = case when u.step < %s then 'active' else 'completed' end
from unnest(%s::uuid[], %s::int[], %s::jsonb[]) u(id, step, positions)
where r.workspace_id = %s and r.id = u.id"""
FLOOR_JOURNAL = """
insert into floor_step (workspace_id, run_id, seq, node, outcome, at)
select %s, u.id, u.step, 's', 'next', now() from unnest(%s::uuid[], %s::int[]) u(id, step)"""
FLOOR_TENANT = "00000000-0000-7000-8000-0000000000aa"


def publish(standing: Stand) -> Workflow:
    nodes = [
        {
            "id": f"s{n}",
            "type": "wait",
            "config_version": 1,
            "config": {"amount": 0, "unit": "seconds"},
            "position": {"x": 0, "y": n},
            "note": "",
        }
        for n in range(1, STEPS + 1)
    ]
    edges = [{"id": f"e{n}", "from": f"s{n}", "port": "next", "to": f"s{n + 1}"} for n in range(1, STEPS)]
    graph = {"schema": 1, "nodes": nodes, "edges": edges, "settings": {"reentry": "always", "start": "s1"}}
    with standing.runtime.unit("web", standing.workspace_id) as services:
        workflow = Workflow(
            workspace_id=standing.workspace_id, name="Bench", user_id=standing.user_id, settings={}
        )
        services.session.add(workflow)
        services.session.flush()
        versions.add(services, workflow, graph, published_by=standing.user_id)
        services(WorkflowStatus).move(workflow.id, "live")
    return workflow


class Statements:
    """Every statement sent while open: the session's, the batch's own pipeline, and begin, commit and the row
    of the batch for each batch."""

    def __enter__(self) -> Self:
        self.count = 0
        self._plain, self._send = psycopg.Cursor.execute, BatchRows.send

        def execute(cursor: Any, *given: Any, **named: Any) -> Any:
            self.count += 1
            return self._plain(cursor, *given, **named)

        def send(rows: Any, *given: Any) -> Any:
            self.count += 3
            return self._send(rows, *given)

        psycopg.Cursor.execute, BatchRows.send = execute, send  # type: ignore[method-assign, assignment]
        return self

    def __exit__(self, *_: object) -> None:
        psycopg.Cursor.execute, BatchRows.send = self._plain, self._send  # type: ignore[method-assign]


def product(standing: Stand, workflow: Workflow, contacts: list) -> tuple[float, float]:
    """Steps per second, and SQL statements per step."""
    with standing.runtime.unit("web", standing.workspace_id) as services:
        enrolment.enrol(services, workflow.id, contacts)
    standing.analyze()
    advancer = Advancer(standing.runtime)

    def run() -> int:
        while advancer.turn():
            pass
        return advancer.steps

    with Statements() as statements:
        rate = timed(run)
    assert advancer.steps == RUNS * STEPS, advancer.steps
    return rate, statements.count / advancer.steps


def floor(standing: Stand, runs: int = RUNS, steps_each: int = STEPS) -> float:
    with psycopg.connect(standing.owner_dsn(), autocommit=True) as owner:
        owner.execute(FLOOR_FILL.replace("%s", str(runs)))
        owner.execute("analyze floor_run, floor_step")
    with psycopg.connect(standing.postgres.dsn("autoloop_worker", "autoloop"), autocommit=True) as connection:
        cursor = connection.cursor()

        def run() -> int:
            done = 0
            while True:
                rows = cursor.execute(FLOOR_CLAIM, (FLOOR_TENANT,), prepare=True).fetchall()
                if not rows:
                    return done
                ids, steps = [row[1] for row in rows], [row[2] + 1 for row in rows]
                positions = [psycopg.types.json.Jsonb(row[3]) for row in rows]
                with connection.transaction():
                    cursor.execute(
                        FLOOR_ADVANCE,
                        (steps_each, steps_each, ids, steps, positions, FLOOR_TENANT),
                        prepare=True,
                    )
                    cursor.execute(FLOOR_JOURNAL, (FLOOR_TENANT, ids, steps), prepare=True)
                done += len(rows)

        return timed(run)


def main(rounds: int, _seconds: float) -> float:
    with stand(worker_batch=BATCH) as standing:
        with psycopg.connect(standing.owner_dsn(), autocommit=True) as owner:
            owner.execute(FLOOR_TABLES)
        workflow, contacts = publish(standing), standing.contacts(RUNS)
        figures: dict[str, list[float]] = {"raw claim, advance, journal": [], "AutoLoop Advance": []}
        per_step = 0.0
        for _ in range(rounds):
            figures["raw claim, advance, journal"].append(floor(standing))
            rate, per_step = product(standing, workflow, contacts)
            figures["AutoLoop Advance"].append(rate)
        ratios = report(
            f"Engine: {RUNS:,} runs of {STEPS} steps, one worker, batches from {BATCH}",
            "steps/s",
            figures,
            floor="raw claim, advance, journal",
            notes=f"{per_step:.4f} SQL statements per step, begin and commit counted (asked: 0.05 at the most)",
        )
        return ratios["AutoLoop Advance"]
