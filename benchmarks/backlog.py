"""A backlog of due runs, drained by one worker, beside the raw claim-advance-journal of as many rows."""

from __future__ import annotations

import psycopg

from autoloop.engine.advance import Advancer
from benchmarks import engine
from benchmarks.crowd import clear, plant, waiting_workflow
from benchmarks.stand import report, stand, timed

RUNS = 100_000
FLOOR = "raw claim, advance, journal"


def main(rounds: int, _seconds: float) -> float:
    with stand() as standing:
        with psycopg.connect(standing.owner_dsn(), autocommit=True) as owner:
            owner.execute(engine.FLOOR_TABLES)
        contacts = standing.contacts(20_000)
        _, like = waiting_workflow(standing, contacts[0])
        figures: dict[str, list[float]] = {FLOOR: [], "AutoLoop Advance": []}
        for _ in range(rounds):
            figures[FLOOR].append(engine.floor(standing, RUNS, 1))
            clear(standing, like)
            plant(standing, like, contacts, RUNS, "now() - make_interval(secs => 1000 - n * 0.01)")
            standing.analyze()
            advancer = Advancer(standing.runtime)

            def drain(advancer: Advancer = advancer) -> int:
                while advancer.turn():
                    pass
                return advancer.steps

            figures["AutoLoop Advance"].append(timed(drain))
            assert advancer.steps == RUNS, advancer.steps
        ratios = report(
            f"Backlog: {RUNS:,} due runs, one worker (asked: at least half of the floor)",
            "runs/s",
            figures,
            floor=FLOOR,
        )
        return ratios["AutoLoop Advance"]
