"""How long it takes until 100,000 contacts have entered a workflow, by one enrolment."""

from __future__ import annotations

import statistics
import time

from autoloop.engine.services import enrolments
from autoloop.engine.services.enrolments import Enrolments
from benchmarks.executions import live
from benchmarks.stand import stand

MANY = 100_000


def main(rounds: int, seconds: float) -> None:
    """Seconds, in the worker's own process."""
    with stand() as standing:
        standing.contacts(MANY)
        graph = {
            "nodes": [{"id": "w", "type": "wait", "config": {"amount": 1}}],
            "edges": [],
            "settings": {"reentry": "always"},
        }
        with standing.runtime.unit("web", standing.workspace_id) as services:
            workflow = live(services, standing, graph).id
        standing.analyze()
        times = []
        for _ in range(max(1, rounds)):
            with standing.runtime.unit("web", standing.workspace_id) as services:
                made = services(Enrolments).begin(workflow, {"all": True})
            started = time.perf_counter()
            while enrolments.work(standing.runtime):
                pass
            times.append(time.perf_counter() - started)
            with standing.runtime.unit("web", standing.workspace_id) as services:
                assert services(Enrolments).find(made.id).started == MANY, made
        print(f"\nEnrolment of {MANY:,} contacts: {statistics.median(times):.1f} s (asked: 20 s at the most)")
