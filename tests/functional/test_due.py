"""Claims: disjoint, by turns of workspaces, fenced, and free again when a lease has run out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

from autoloop.base.due import Rounds, claim, extend, still_mine

TENANTS = [UUID(int=n) for n in (1, 2, 3)]
START = UUID(int=0)
DUE = "@.due_at <= clock_timestamp()"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def jobs(postgres, database, runtime):
    """A table of 300 due rows: 280 of one tenant, 10 of two others each."""
    owner = create_engine(postgres.dsn("autoloop_owner", database, driver="psycopg"))
    with owner.begin() as connection:
        connection.execute(
            text("""
            create table jobs (workspace_id uuid, id uuid default gen_random_uuid(), due_at timestamptz default now(),
              lease_until timestamptz, fence bigint default 0, attempts int default 0, primary key (workspace_id, id));
            create index on jobs (workspace_id, due_at);
            grant all on jobs to autoloop_worker""")
        )
        for tenant, count in zip(TENANTS, (280, 10, 10), strict=True):
            connection.execute(
                text("insert into jobs (workspace_id) select :tenant from generate_series(1, :count)"),
                {"tenant": tenant, "count": count},
            )
    yield owner
    with owner.begin() as connection:
        connection.execute(text("drop table jobs"))
    owner.dispose()


def take(runtime, batch=100, lease=MINUTE, start=START):
    with runtime.worker_engine.begin() as connection:
        return claim(connection, "jobs", DUE, batch=batch, lease=lease, start=start)


def test_each_workspace_gets_its_turn_however_much_one_has(jobs, runtime) -> None:
    held = take(runtime, batch=30)
    counts = [sum(lease.workspace_id == tenant for lease in held) for tenant in TENANTS]
    assert counts == [10, 10, 10]


def test_workspaces_take_turns_when_few_rows_are_claimed_at_a_time(jobs, runtime) -> None:
    rounds = Rounds("jobs", DUE)
    with runtime.worker_engine.begin() as connection:
        held = [rounds.claim(connection, batch=1, lease=MINUTE) for _ in range(7)]
    assert [lease.workspace_id for (lease,) in held] == [*TENANTS, *TENANTS, TENANTS[0]]


def test_what_some_leave_others_fill(jobs, runtime) -> None:
    held = take(runtime, batch=100)
    counts = [sum(lease.workspace_id == tenant for lease in held) for tenant in TENANTS]
    assert counts[1:] == [10, 10]
    assert len(held) >= 100


def test_claims_side_by_side_are_disjoint_and_complete(jobs, runtime) -> None:
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda n: take(runtime, batch=40, start=TENANTS[n % 3]), range(16)))
    ids = [lease.id for batch in batches for lease in batch]
    assert len(ids) == len(set(ids)) == 300


def test_a_lapsed_lease_gives_the_row_to_another_and_the_old_fence_writes_nothing(jobs, runtime) -> None:
    first = take(runtime, batch=300)
    with jobs.begin() as connection:
        connection.execute(text("update jobs set lease_until = now() - interval '1 s'"))
    second = take(runtime, batch=300)
    assert {lease.id for lease in first} == {lease.id for lease in second}
    assert all(lease.attempts == 2 for lease in second)
    with runtime.worker_engine.begin() as connection:
        assert still_mine(connection, "jobs", first) == set()
        assert extend(connection, "jobs", first, MINUTE) == 0
        assert still_mine(connection, "jobs", second) == {lease.id for lease in second}
        assert extend(connection, "jobs", second, MINUTE) == len(second)


def test_a_row_under_a_live_lease_is_not_due(jobs, runtime) -> None:
    assert len(take(runtime, batch=1000)) == 300
    assert take(runtime, batch=1000) == []
