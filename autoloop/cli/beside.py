"""A scheduler beside a worker, as `celery worker -B` has its beat beside it: forked, so that it costs few pages."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from celery import bootsteps

from autoloop.base import scheduler
from autoloop.embedded.launch import die_with_parent

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["scheduler_beside"]

LOOK_SECONDS = 1.0
PATIENCE = 5.0


def scheduler_beside(runtime: Runtime) -> type:
    """A step of a Celery worker that keeps one scheduler running for as long as the worker runs."""

    class Beside(bootsteps.StartStopStep):
        requires = ("celery.worker.components:Timer",)

        def __init__(self, worker: Any, **options: Any) -> None:
            self.pid: int | None = None
            super().__init__(worker, **options)

        def start(self, worker: Any) -> None:
            self._look()
            worker.timer.call_repeatedly(LOOK_SECONDS, self._look)

        def _look(self) -> None:
            if self.pid is None or os.waitpid(self.pid, os.WNOHANG)[0]:
                self.pid = _fork(runtime)

        def stop(self, worker: Any) -> None:
            pid, self.pid = self.pid, None
            if pid is not None:
                os.kill(pid, signal.SIGTERM)
                _wait(pid)

        terminate = stop

    return Beside


def _fork(runtime: Runtime) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        die_with_parent(parent)
        with suppress(OSError), open("/proc/self/comm", "w") as name:  # noqa: PTH123 - what `ps` and `top` show
            name.write("scheduler")
        scheduler.run(runtime, stop)
        status = 0
    finally:
        os._exit(status)


def _wait(pid: int) -> None:
    until = time.monotonic() + PATIENCE
    while not os.waitpid(pid, os.WNOHANG)[0]:
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return
        time.sleep(0.02)
