"""A statement prepared while its table was small finds its rows by an index once the table is large."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text

from autoloop.base import plans
from autoloop.engine.advance.write import UPDATE_RUNS
from autoloop.engine.routing import claiming
from tests.factories import make_tenant
from tests.functional.engine_world import World

TABLE = "create table things (id int primary key, n int, filler text) with (autovacuum_enabled = off)"
FILL = "insert into things select n, n, repeat('x', 100) from generate_series(%s::int, %s::int) n"
FIND = "update things t set n = u.n from unnest(cast(:ids as int[])) u(n) where t.id = u.n"
PLAN = "explain execute find('{1,2,3}')"

GRAPH = {"nodes": [{"id": "s", "type": "wait", "config": {"amount": 1}}], "edges": [], "settings": {}}
MANY = """
insert into workflow_runs (workspace_id, id, workflow_id, version_id, contact_id, started_as, entry_key, status,
  positions, visits, variables, steps, due_at)
select workspace_id, gen_random_uuid(), workflow_id, version_id, contact_id, started_as, n::text, 'waiting',
  positions, visits, variables, steps, now() + interval '1 day'
from workflow_runs cross join generate_series(1, 6000) n where workspace_id = %s"""


@pytest.fixture
def owner(postgres, database):
    with psycopg.connect(postgres.dsn("autoloop_owner", database), autocommit=True) as owner:
        owner.execute(TABLE)
        owner.execute("grant all on things to autoloop_worker")
        owner.execute(FILL, (1, 5))
        owner.execute("analyze things")
        yield owner
        owner.execute("drop table things")


def test_plans_follow_a_table_that_grows(owner, runtime, monkeypatch) -> None:
    monkeypatch.setattr(plans, "AGE", 3600)

    def plan() -> str:
        with runtime.worker_engine.connect() as connection:
            rows = connection.exec_driver_sql(PLAN)
            return "\n".join(row[0] for row in rows)

    with runtime.worker_engine.connect() as connection:
        find = FIND.replace("cast(:ids as int[])", "$1::int[]")
        connection.exec_driver_sql("set plan_cache_mode = force_generic_plan")
        connection.exec_driver_sql(f"prepare find(int[]) as {find}")
        connection.commit()
    assert "Seq Scan on things" in plan()
    owner.execute(FILL, (6, 50_000))
    assert "Seq Scan on things" in plan()
    monkeypatch.setattr(plans, "AGE", 0)
    assert "Index Scan" in plan()


def test_a_batch_is_found_by_its_key_whatever_the_table_held_when_it_was_analyzed(
    postgres, database, runtime
) -> None:
    worlds = [World(runtime, make_tenant(runtime).id) for _ in range(8)]
    for each in worlds:
        each.enrol(each.workflow(GRAPH), each.contacts())
    with psycopg.connect(postgres.dsn("autoloop_owner", database), autocommit=True) as owner:
        owner.execute("analyze")
        owner.execute(MANY, (worlds[0].workspace_id,))
        assert owner.execute("select count(*) > 5000 from workflow_runs").fetchone() == (True,)
    with psycopg.connect(postgres.dsn("autoloop_worker", database)) as worker:
        plan = worker.execute("explain " + UPDATE_RUNS, {"rows": "[]", "now": None}).fetchall()
    told = "\n".join(row[0] for row in plan)
    assert "using pk_workflow_runs" in told, told


EVENTS = """
insert into events (workspace_id, id, name, data, occurred_at, pending)
select %s, gen_random_uuid(), 'order.paid', '{}', now(), n > 20000 from generate_series(1, 20100) n"""


def test_events_are_put_away_by_their_place_whatever_the_table_held_when_it_was_analyzed(
    postgres, database, runtime
) -> None:
    workspace = make_tenant(runtime).id
    with psycopg.connect(postgres.dsn("autoloop_owner", database), autocommit=True) as owner:
        owner.execute("analyze events")
        owner.execute(EVENTS, (workspace,))
    with psycopg.connect(postgres.dsn("autoloop_worker", database)) as worker:
        asked = "explain " + claiming.CLAIM.format(share=500)
        told = "\n".join(row[0] for row in worker.execute(asked, {"tenants": [workspace]}).fetchall())
        worker.execute("delete from events where workspace_id = %s", (workspace,))
    assert "Tid Scan on events_default" in told, told


def test_a_transaction_under_way_is_left_alone(runtime) -> None:
    with runtime.worker_engine.connect() as connection:
        connection.execute(text("select 1"))
        assert plans.renew(connection.connection.driver_connection, -1e9) == -1e9
        connection.rollback()
        assert plans.renew(connection.connection.driver_connection, -1e9) > 0
