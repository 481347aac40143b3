"""A worker: one process that takes nudges through Celery and does what they speak of, each in a unit of work of its own."""

from __future__ import annotations

import logging
import signal
import socket

from celery import Celery

from autoloop.base.broker import read_tolerantly
from autoloop.base.drain import drain
from autoloop.base.nudges import QUEUE, TASK, make_celery, queue_of
from autoloop.base.runtime import Runtime
from autoloop.base.stopping import Stopping

__all__ = ["load_worker", "run_worker"]

log = logging.getLogger(__name__)


def load_worker() -> None:
    """Import what Celery imports as a worker starts, for a process that forks workers."""
    import celery.app.control
    import celery.app.log
    import celery.apps.worker
    import celery.concurrency.solo
    import celery.worker.components
    import celery.worker.consumer
    import celery.worker.strategy  # noqa: F401


def run_worker(runtime: Runtime, name: str = "worker") -> int:
    """Work in this process until SIGTERM; returns the exit status.

    One nudge at a time, and none is fetched meanwhile: whoever is idle takes the next. More processes are more
    workers, not a pool of Celery's, whose parent would only hand nudges on.
    """
    celery = _application(runtime)
    # Not `worker_main`, whose command line loads a prompt, a terminal and colours: 9 MiB and 0.2 s.
    worker = celery.Worker(
        hostname=f"{name}@{socket.gethostname()}",
        pool_cls="solo",
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    # Celery's own answer begins this command anew beside those that were forked with it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        worker.start()
    except SystemExit as stop:
        return int(stop.code or 0)
    finally:
        runtime.dispose()
    return int(worker.exitcode or 0)


def _application(runtime: Runtime) -> Celery:
    """One task, without results, that does what is due of a kind."""
    read_tolerantly()
    celery = make_celery(runtime.nudger.broker_url)
    celery.select_queues([QUEUE, *map(queue_of, sorted(runtime.registrations.due_kinds))])
    stopping = Stopping()
    stopping.listen()

    @celery.task(name=TASK, ignore_result=True)
    def work(kind: str) -> None:
        if not isinstance(kind, str):
            log.warning("ignored a forged nudge")
            return
        if drain(runtime, kind, stopping=stopping):
            runtime.nudge(kind)

    return celery
