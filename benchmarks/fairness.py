"""One tenant with half a million due runs: how late are those of ten others, beside how late they are alone?"""

from __future__ import annotations

import os
import statistics
import time
from datetime import UTC, datetime, timedelta

import psycopg

from benchmarks.crowd import neighbour, plant, waiting_workflow
from benchmarks.executions import working
from benchmarks.stand import Stand, stand

LARGE = int(os.environ.get("FAIRNESS", "500000"))
NEIGHBOURS = 10
EACH = 5  # runs a second due in each of the others
SECONDS = 30

# Written down beforehand: once a run has gone on nothing of it says when it was due.
MEASURE = """
select extract(epoch from s.at - d.due_at)::float from bench_due d
left join run_steps s on s.run_id = d.run_id where d.round = %s order by 1"""


def appoint(others: list[tuple[Stand, object, list]], number: int, seconds: float) -> None:
    """Make the others' runs due one after the other, from a second from now on, and write down when."""
    for standing, like, contacts in others:
        plant(
            standing,
            like,  # type: ignore[arg-type]
            contacts,
            int(EACH * seconds),
            f"now() + interval '1 s' + make_interval(secs => n / {EACH}.0)",
        )
    with psycopg.connect(others[0][0].owner_dsn(), autocommit=True) as owner:
        owner.execute(
            "insert into bench_due select %s, id, due_at from workflow_runs where workspace_id = any(%s) and due_at > now() "
            "and due_at < now() + interval '1 day'",
            (number, [standing.workspace_id for standing, _, _ in others]),
        )


def lateness(others: list[tuple[Stand, object, list]], number: int, seconds: float) -> list[float]:
    """How late each of the others' runs went on, in seconds; waits until all have."""
    appoint(others, number, seconds)
    time.sleep(seconds + 1)
    deadline = time.monotonic() + 120
    with psycopg.connect(others[0][0].owner_dsn(), autocommit=True) as owner:
        while True:
            found = [row[0] for row in owner.execute(MEASURE, (number,))]
            if None not in found:
                return found
            if time.monotonic() > deadline:
                raise RuntimeError("runs of the others did not go on")
            time.sleep(0.2)


def left(standing: Stand) -> int:
    with psycopg.connect(standing.owner_dsn(), autocommit=True) as owner:
        row = owner.execute(
            "select count(*) from workflow_runs where workspace_id = %s and due_at <= now()",
            (standing.workspace_id,),
        ).fetchone()
    assert row is not None
    return int(row[0])


def main(_rounds: int, _seconds: float) -> float:
    with stand() as standing:
        with psycopg.connect(standing.owner_dsn(), autocommit=True) as owner:
            owner.execute("create table bench_due (round int, run_id uuid, due_at timestamptz)")
        large = standing.contacts(20_000)
        _, like = waiting_workflow(standing, large[0])
        others = []
        for number in range(NEIGHBOURS):
            next_door = neighbour(standing, number)
            contacts = next_door.contacts(200)
            others.append((next_door, waiting_workflow(next_door, contacts[0])[1], contacts))
            plant(*others[-1][:2], contacts, 1_000, "now() + interval '9 days'")  # what they did before
        plant(standing, like, large, 1_000, "now() + interval '9 days'")
        standing.analyze()
        with working(standing.settings, 2):
            lateness(others, 0, 3)
            alone = lateness(others, 1, SECONDS)
            moment = datetime.now(UTC) + timedelta(seconds=20 + LARGE / 12_000)
            plant(standing, like, large, LARGE, f"timestamptz '{moment.isoformat()}'")
            time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))
            before, started = left(standing), time.monotonic()
            beside = lateness(others, 2, SECONDS)
            after, took = left(standing), time.monotonic() - started
            stopping = time.monotonic()
        print(f"\nThe worker stopped {time.monotonic() - stopping:.1f} s after SIGTERM, in the midst of it")
        return show(alone, beside, before, after, took)


def show(alone: list[float], beside: list[float], before: int, after: int, took: float) -> float:
    print(f"\nFairness: {NEIGHBOURS} tenants with {EACH} due runs a second each, two worker processes")
    for name, times in (("alone", alone), (f"beside one with {LARGE:,} due", beside)):
        cuts = statistics.quantiles(times, n=100)
        print(
            f"  {name:32} p50 {cuts[49]:6.3f} s  p95 {cuts[94]:6.3f} s  p99 {cuts[98]:6.3f} s  n={len(times)}"
        )
    ratio = statistics.quantiles(beside, n=100)[98] / statistics.quantiles(alone, n=100)[98]
    print(f"  p99 {ratio:.2f}x of alone (asked: 2x at the most)")
    print(
        f"  meanwhile {before - after:,} of the large tenant's {before:,} went on, {(before - after) / took:,.0f}/s"
    )
    return ratio
