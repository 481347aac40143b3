"""The Celery application of a worker: one task, its own unit of work, no results."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterable
from typing import Any

from celery import Celery, signals

from autoloop.base.broker import read_tolerantly
from autoloop.base.drain import drain
from autoloop.base.nudges import QUEUE, TASK, make_celery, queue_of
from autoloop.base.runtime import Runtime
from autoloop.base.stopping import Stopping

__all__ = ["run_worker", "worker_app"]

log = logging.getLogger(__name__)


def worker_app(make_runtime: Callable[[], Runtime]) -> Celery:
    """A Celery application whose processes share what the parent loaded, each with its own connections."""
    read_tolerantly()
    runtime = make_runtime()
    celery = make_celery(runtime.nudger.broker_url)
    kinds = sorted(runtime.registrations.due_kinds)
    celery.select_queues([QUEUE, *map(queue_of, kinds)])
    stopping = Stopping()
    stopping.listen()

    @signals.worker_init.connect(weak=False)
    def freeze(**_: Any) -> None:
        """What was loaded by now is never garbage: not looking at it saves pauses, and leaves its pages shared."""
        gc.collect()
        gc.freeze()

    @signals.worker_process_shutdown.connect(weak=False)
    def close(**_: Any) -> None:
        runtime.dispose()

    @celery.task(name=TASK, ignore_result=True)
    def work(kind: str) -> None:
        if not isinstance(kind, str):
            log.warning("ignored a forged nudge")
            return
        if drain(runtime, kind, stopping=stopping):
            runtime.nudge(kind)

    return celery


def run_worker(
    make_runtime: Callable[[], Runtime], *, processes: int, name: str = "worker", steps: Iterable[type] = ()
) -> int:
    """Run a prefork worker until SIGTERM, with these steps (bootsteps) of its own; returns its exit code."""
    celery = worker_app(make_runtime)
    celery.steps["worker"].update(steps)
    arguments = [
        "--quiet",
        "worker",
        f"--concurrency={processes}",
        f"--hostname={name}@%h",
        "--pool=prefork",
        "--loglevel=WARNING",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]
    try:
        celery.worker_main(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0
