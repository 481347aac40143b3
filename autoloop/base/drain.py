"""Working off what is due of one kind, in a worker or, without a broker, in the scheduler."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from autoloop.base.memory import give_back

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime
    from autoloop.base.stopping import Stopping

__all__ = ["drain"]

log = logging.getLogger(__name__)

SPELL = 2.0  # seconds at one kind of work before another has its turn


def drain(runtime: Runtime, kind: str, *, seconds: float = SPELL, stopping: Stopping | None = None) -> bool:
    """Work batches until nothing is due, the time is over or a stop is asked for. True if more may be due."""
    due = runtime.registrations.due_kinds.get(kind)
    if due is None:
        log.warning("ignored a nudge of the unknown kind %r", kind)
        return False
    until = time.monotonic() + seconds
    more, worked = True, False
    while more and time.monotonic() <= until and not (stopping and stopping.asked):
        more = due.work(runtime) > 0
        worked = worked or more
    if worked:
        give_back()
    return more
