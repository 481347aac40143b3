"""The Celery application of a worker: one task, its own unit of work, no results."""

from __future__ import annotations

import ctypes
import logging
import socket
from collections.abc import Callable, Iterable
from typing import Any

from celery import Celery, platforms, signals

from autoloop.base.broker import read_tolerantly
from autoloop.base.drain import drain
from autoloop.base.memory import settle
from autoloop.base.nudges import QUEUE, TASK, make_celery, queue_of
from autoloop.base.runtime import Runtime
from autoloop.base.stopping import Stopping

__all__ = ["load_worker", "run_worker", "worker_app"]

PR_SET_PDEATHSIG = 1  # from linux/prctl.h

log = logging.getLogger(__name__)


def load_worker() -> None:
    """Import what Celery imports as a worker starts, for a process that forks workers."""
    import celery.app.control
    import celery.app.log
    import celery.apps.worker
    import celery.concurrency.asynpool
    import celery.concurrency.prefork
    import celery.worker.components
    import celery.worker.consumer
    import celery.worker.strategy  # noqa: F401


def worker_app(make_runtime: Callable[[], Runtime]) -> Celery:
    """A Celery application whose processes share what the parent loaded, each with its own connections."""
    read_tolerantly()
    runtime = make_runtime()
    celery = make_celery(runtime.nudger.broker_url)
    kinds = sorted(runtime.registrations.due_kinds)
    celery.select_queues([QUEUE, *map(queue_of, kinds)])
    stopping = Stopping()
    stopping.listen()
    _do_without_a_parser()

    @signals.celeryd_after_setup.connect(weak=False)
    def freeze(**_: Any) -> None:
        """What was loaded by now is never garbage: not looking at it saves pauses, and leaves its pages shared."""
        settle()

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
    # Not `worker_main`, whose command line loads a prompt, a terminal and colours: 9 MiB and 0.2 s.
    worker = celery.Worker(
        hostname=f"{name}@{socket.gethostname()}",
        pool_cls="prefork",
        concurrency=processes,
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    try:
        worker.start()
    except SystemExit as stop:
        return int(stop.code or 0)
    return int(worker.exitcode or 0)


def _do_without_a_parser() -> None:
    """Let Celery's children ask for the parent's death through ctypes.

    Through cffi, as billiard would, each child loads a parser of C to read one line of it: 3 MiB.
    """
    platforms._set_pdeathsig = lambda number: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
