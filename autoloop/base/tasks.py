"""The Celery application of a worker: one task, its own unit of work, no results."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from typing import Any

from celery import Celery, signals

from autoloop.base.drain import drain
from autoloop.base.nudges import QUEUE, TASK, make_celery, queue_of
from autoloop.base.runtime import Runtime

__all__ = ["run_worker", "worker_app"]

log = logging.getLogger(__name__)


def worker_app(make_runtime: Callable[[], Runtime]) -> Celery:
    """A Celery application whose processes each make their own runtime after the fork.

    A connection must never cross a fork, so the parent's runtime is not used by children.
    """
    held: dict[str, Runtime] = {"parent": make_runtime()}
    celery = make_celery(held["parent"].nudger.broker_url)
    kinds = sorted(held["parent"].registrations.due_kinds)
    celery.select_queues([QUEUE, *map(queue_of, kinds)])

    def runtime() -> Runtime:
        if "own" not in held:
            held["own"] = make_runtime()
        return held["own"]

    @signals.worker_process_init.connect(weak=False)
    def fresh(**_: Any) -> None:
        held.pop("own", None)
        runtime()
        gc.freeze()  # what was loaded before the first batch is never garbage: not looking saves pauses

    @signals.worker_process_shutdown.connect(weak=False)
    def close(**_: Any) -> None:
        own = held.pop("own", None)
        if own is not None:
            own.dispose()

    @celery.task(name=TASK, ignore_result=True)
    def work(kind: str) -> None:
        if not isinstance(kind, str):
            log.warning("ignored a forged nudge")
            return
        if drain(runtime(), kind):
            runtime().nudge(kind)

    return celery


def run_worker(make_runtime: Callable[[], Runtime], *, processes: int, name: str = "worker") -> int:
    """Run a prefork worker until SIGTERM; returns its exit code."""
    celery = worker_app(make_runtime)
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
