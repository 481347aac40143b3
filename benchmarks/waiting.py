"""A million waiting runs: the due query, how late a fifth of the capacity wakes, and the workers' memory."""

from __future__ import annotations

import os
import statistics
import time
from typing import Any
from uuid import UUID

import psycopg

from autoloop.base.ids import new_id
from autoloop.engine.advance import PROBE, Advancer, claim
from benchmarks.crowd import plant, pss, waiting_workflow
from benchmarks.executions import working
from benchmarks.stand import Stand, stand

RUNS = int(os.environ.get("WAITING", "1000000"))
TRIED = 20_000
SHARE = 0.2
SECONDS = 30
LATER = "now() + interval '1 day' + make_interval(secs => n * 0.5)"
DONE = "select not exists (select from bench_due d join workflow_runs r on r.id = d.run_id where r.due_at is not null)"
LATE = """
select extract(epoch from s.at - d.due_at)::float from bench_due d left join run_steps s on s.run_id = d.run_id"""


def capacity(standing: Stand, like: UUID, contacts: list[UUID]) -> float:
    """Runs that one worker process wakes in a second, with all the others waiting."""
    plant(standing, like, contacts, TRIED)
    advancer, started = Advancer(standing.runtime), time.perf_counter()
    while advancer.turn():
        pass
    assert advancer.steps == TRIED, advancer.steps
    return TRIED / (time.perf_counter() - started)


def asking(standing: Stand, like: UUID, contacts: list[UUID]) -> dict[str, list[float]]:
    """Milliseconds of each question of 300: is anything due; what is due (nothing); what is due (a hundred)."""
    times: dict[str, list[float]] = {
        "is anything due?": [],
        "claim, nothing due": [],
        "claim of 100, 300 due": [],
    }
    plant(standing, like, contacts, 300, "now() + interval '1 hour'")
    due = "update workflow_runs set due_at = due_at {} interval '1 hour' where due_at between {}"
    with (
        psycopg.connect(standing.postgres.dsn("autoloop_worker", "autoloop")) as connection,
        psycopg.connect(standing.owner_dsn(), autocommit=True) as owner,
    ):
        for name, taken in times.items():
            if name == "claim of 100, 300 due":
                owner.execute(due.format("-", "now() and now() + interval '1 hour'"))
                owner.execute("vacuum analyze workflow_runs")
            turns = claim.ByTurns(100)
            for _ in range(300):
                started = time.perf_counter()
                if name == "is anything due?":
                    connection.execute(PROBE, prepare=True).fetchone()
                else:
                    turns(connection, new_id(), None)
                taken.append((time.perf_counter() - started) * 1000)
                connection.rollback()
        owner.execute(
            "update workflow_runs set due_at = now() + interval '2 days' where due_at < now() + interval '2 hours'"
        )
    return times


def waking(standing: Stand, like: UUID, contacts: list[UUID], rate: float) -> tuple[list[float], list[float]]:
    """Through real processes: how late each of `rate` runs a second wakes, and memory before and after (MiB)."""
    count = int(rate * SECONDS)
    with (
        working(standing.settings, 2) as processes,
        psycopg.connect(standing.owner_dsn(), autocommit=True) as owner,
    ):
        owner.execute("create table bench_due (run_id uuid primary key, due_at timestamptz)")
        plant(standing, like, contacts, 2_000)  # what a worker loads at its first batches is there before
        _until(owner, "select not exists (select from workflow_runs where due_at <= now())", 60)
        memory = [pss(processes["worker"].pid)]
        plant(
            standing,
            like,
            contacts,
            count,
            f"now() + interval '20 s' + make_interval(secs => n / {rate:.1f})",
        )
        owner.execute(
            "insert into bench_due select id, due_at from workflow_runs where due_at < now() + interval '10 minutes'"
        )
        owner.execute("analyze workflow_runs, bench_due")
        _until(owner, DONE, SECONDS + 180)
        memory.append(pss(processes["worker"].pid))
        late = [row[0] for row in owner.execute(LATE)]
    assert None not in late
    return late, memory


def _until(owner: psycopg.Connection[Any], question: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not owner.execute(question).fetchone()[0]:  # type: ignore[index]
        if time.monotonic() > deadline:
            raise RuntimeError(f"never true: {question}")
        time.sleep(1)


def main(_rounds: int, _seconds: float) -> float:
    with stand() as standing:
        contacts = standing.contacts(50_000)
        _, like = waiting_workflow(standing, contacts[0])
        started = time.perf_counter()
        for _ in range(RUNS // 250_000 or 1):
            plant(standing, like, contacts, min(RUNS, 250_000), LATER)
        with psycopg.connect(standing.owner_dsn(), autocommit=True) as owner:
            owner.execute("vacuum analyze")
        print(f"\nWaiting: {RUNS:,} waiting runs (planted in {time.perf_counter() - started:.0f} s)")
        times = asking(standing, like, contacts)
        for name, each in times.items():
            cuts = statistics.quantiles(each, n=100)
            print(f"  {name:28} p50 {cuts[49]:7.2f} ms  p95 {cuts[94]:7.2f} ms (asked: 10 ms)")
        rate = SHARE * capacity(standing, like, contacts)
        late, memory = waking(standing, like, contacts, rate)
        cuts = statistics.quantiles(late, n=100)
        print(
            f"  {rate:,.0f} wake each second, a fifth of one process's capacity; two processes and a scheduler:\n"
            f"  late by p50 {cuts[49]:.3f} s  p99 {cuts[98]:.3f} s (asked: 2 s)  n={len(late):,}; "
            f"PSS of the worker {memory[0]:.0f} → {memory[1]:.0f} MiB"
        )
        return cuts[98]
