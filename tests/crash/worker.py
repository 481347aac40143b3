"""A worker process that is quick to start: forked from a process that has imported all and opened nothing.

It does what a worker's process does, all kinds of work in turn, until nothing is due.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from dataclasses import replace
from functools import cache
from typing import Any

from autoloop import make_runtime
from autoloop.base.drain import drain
from autoloop.base.runtime import Runtime
from autoloop.settings import Settings
from tests.crash.faults import Fault, Faults
from tests.crash.planted import PLANTED
from tests.crash.steps import STEPS
from tests.functional.mail_world import FORKS

__all__ = ["UNHIT", "Process", "named", "registrations", "start_worker", "warm_up"]

Process = multiprocessing.process.BaseProcess

NOWHERE = "postgresql+psycopg://nobody@/nowhere?host=/nowhere"
PASSES, BREATH = 60, 0.05
UNHIT = 3  # exit code of a worker whose fault never happened: it proves nothing


def named(settings: Settings, name: str) -> Settings:
    """Settings whose connections say who they are."""
    url = settings.database_worker_url
    return replace(settings, database_worker_url=f"{url}&application_name=crash:{name}")


def start_worker(
    settings: Settings, name: str, fault: Fault | None = None, planted: str | None = None
) -> Process:
    """A worker process of these settings; it ends by itself once nothing is due."""
    process = FORKS.Process(target=_work, args=(named(settings, name), fault, planted), daemon=True)
    process.start()
    return process


def warm_up() -> None:
    """The process that workers are forked from is there, and has imported all: nobody has to wait for it later."""
    process = FORKS.Process(target=os.getpid, daemon=True)
    process.start()
    process.join()


def _work(settings: Settings, fault: Fault | None, planted: str | None) -> None:
    logging.disable(logging.ERROR)
    runtime = Runtime(settings, registrations())
    if planted is not None:
        PLANTED[planted](runtime)
    faults = Faults(runtime, fault)
    faults.arm()
    for _ in range(PASSES):
        faults.worked, failed = 0, False
        for kind in runtime.registrations.due_kinds:
            try:
                drain(runtime, kind)
            except Exception:  # as Celery's worker: it says so and takes the next
                failed = True
        if failed:
            time.sleep(BREATH)
        if not faults.worked and not failed and not runtime.finish():
            break
    os._exit(UNHIT if faults.missed else 0)


@cache
def registrations() -> Any:
    """What a worker has registered, made once: it is the same for every database."""
    settings = Settings(
        stage="development",
        public_url="http://localhost",
        database_url=NOWHERE,
        database_worker_url=NOWHERE,
        database_owner_url=NOWHERE,
        redis_url="redis://127.0.0.1:1/0",
        secret_keys=("f3b1c05d9e7a42168c0d5b7e94a1f62380cd17e5",),
        log_format="text",
        log_level="ERROR",
    )
    made = make_runtime(settings)
    for step in STEPS:
        made.registrations.plugins.add("step", step)
    return made.registrations
