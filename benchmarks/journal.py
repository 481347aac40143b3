"""What a step costs at ten thousand and at ten million lines of journal, beside the floor of the same minute."""

from __future__ import annotations

import os
import statistics
import time

import psycopg

from autoloop.engine.advance import Advancer
from autoloop.engine.services import enrolment
from benchmarks import engine
from benchmarks.stand import Stand, stand

FEW, MANY = 10_000, int(os.environ.get("JOURNAL", "10000000"))
PART = 1_000_000
# Runs of ten lines each, begun in the course of this month, as if they had been written by Advance.
FILL = """
insert into run_steps (workspace_id, run_id, seq, node, type, visit, position, outcome, port, entered_at, at)
select %(w)s, r.id, seq, 's' || seq, 'wait', 1, 1, 'next', 'next', now(), now()
from (select (lpad(to_hex(floor(extract(epoch from date_trunc('month', now())) * 1000)::bigint + n), 12, '0') || '7'
    || substr(md5(n::text), 1, 3) || '8' || substr(md5(n || 'x'), 1, 15))::uuid id
  from generate_series(%(first)s, %(last)s) n) r
cross join generate_series(1, 10) seq"""


def fill(standing: Stand, lines: int) -> None:
    """Write so many lines in all, and let autovacuum's work be done before anything is measured."""
    with psycopg.connect(standing.owner_dsn(), autocommit=True) as owner:
        row = owner.execute("select count(*) from run_steps").fetchone()
        assert row is not None
        for first in range(row[0] // 10, lines // 10, PART // 10):
            last = min(first + PART // 10, lines // 10)
            owner.execute(FILL, {"w": standing.workspace_id, "first": first + 1, "last": last})
        owner.execute("vacuum analyze run_steps")
        owner.execute("checkpoint") if _may_checkpoint(owner) else None


def _may_checkpoint(owner: psycopg.Connection) -> bool:
    row = owner.execute("select pg_has_role(current_user, 'pg_checkpoint', 'member')").fetchone()
    return bool(row and row[0])


def cost(standing: Stand, workflow: object, contacts: list) -> tuple[float, float, float]:
    """Of one step, in microseconds: time gone by, CPU of the worker; and the floor's time."""
    floor = 1e6 / engine.floor(standing)
    with standing.runtime.unit("web", standing.workspace_id) as services:
        enrolment.enrol(services, workflow.id, contacts)  # type: ignore[attr-defined]
    standing.analyze()
    advancer, cpu, started = Advancer(standing.runtime), time.process_time(), time.perf_counter()
    while advancer.turn():
        pass
    took, used = time.perf_counter() - started, time.process_time() - cpu
    return 1e6 * took / advancer.steps, 1e6 * used / advancer.steps, floor


def main(rounds: int, _seconds: float) -> float:
    with stand() as standing:
        with psycopg.connect(standing.owner_dsn(), autocommit=True) as owner:
            owner.execute(engine.FLOOR_TABLES)
        workflow, contacts = engine.publish(standing), standing.contacts(engine.RUNS)
        cost(standing, workflow, contacts)  # what a first round costs is not the journal's
        found = []
        print(f"\nJournal: cost of a step with {FEW:,} and {MANY:,} lines (asked: within 15 %)")
        for lines in (FEW, MANY):
            fill(standing, lines)
            measured = [cost(standing, workflow, contacts) for _ in range(max(3, rounds))]
            took, used, floor = (statistics.median(column) for column in zip(*measured, strict=True))
            found.append(took / floor)
            print(
                f"  {lines:>12,} lines  {took:6.1f} µs a step  {used:6.1f} µs of the worker's CPU  "
                f"floor {floor:6.1f} µs  {took / floor:5.2f}x the floor"
            )
        print(f"  {found[1] / found[0] - 1:+.1%} beside the floor")
        return found[1] / found[0]
