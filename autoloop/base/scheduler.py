"""The scheduler: looks for due rows at most a second apart and says so to the workers."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from autoloop.base.drain import drain
from autoloop.base.standstill import end_standing

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["run", "tick"]

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0  # seconds between looks for processes that stand still
SEEN = "insert into scheduler_ticks (single, seen_at) values (true, now()) on conflict (single) do update set seen_at = now()"


def run(runtime: Runtime, stop: threading.Event | None = None, *, every: float = 0.5) -> None:
    """Tick until told to stop. A lost database is waited for, never fatal."""
    stop = stop or threading.Event()
    log.info("scheduler ready: %s", ", ".join(sorted(runtime.registrations.due_kinds)))
    looked = 0.0
    while not stop.is_set():
        started = time.monotonic()
        try:
            if started - looked > LOOK_EVERY:
                with runtime.worker_engine.begin() as connection:
                    end_standing(connection)
                looked = started
            tick(runtime)
        except DBAPIError as error:
            log.warning("the database does not answer; trying again: %s", error.orig)
        stop.wait(max(0.0, every - (time.monotonic() - started)))


def tick(runtime: Runtime) -> list[str]:
    """Probe each kind once and nudge those with due rows; returns their names.

    If the broker does not take a nudge, the scheduler does a little of the work itself: slow, but
    nothing stands still because Redis is gone.
    """
    with runtime.worker_engine.begin() as connection:
        connection.execute(text(SEEN))
        kinds = runtime.registrations.due_kinds.values()
        due = [kind.name for kind in kinds if connection.execute(text(kind.probe)).scalar()]
    for name in due:
        if not runtime.nudger.nudge(name):
            drain(runtime, name, seconds=0.3)
    return due
