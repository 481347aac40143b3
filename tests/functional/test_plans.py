"""A statement prepared while its table was small finds its rows by an index once the table is large."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text

from autoloop.base import plans

TABLE = "create table things (id int primary key, n int, filler text) with (autovacuum_enabled = off)"
FILL = "insert into things select n, n, repeat('x', 100) from generate_series(%s::int, %s::int) n"
FIND = "update things t set n = u.n from unnest(cast(:ids as int[])) u(n) where t.id = u.n"
PLAN = "explain execute find('{1,2,3}')"


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


def test_a_transaction_under_way_is_left_alone(runtime) -> None:
    with runtime.worker_engine.connect() as connection:
        connection.execute(text("select 1"))
        assert plans.renew(connection.connection.driver_connection, -1e9) == -1e9
        connection.rollback()
        assert plans.renew(connection.connection.driver_connection, -1e9) > 0
