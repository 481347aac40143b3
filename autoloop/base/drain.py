"""Working off what is due of one kind, in a worker or, without a broker, in the scheduler."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["drain"]

log = logging.getLogger(__name__)

SPELL = 2.0  # seconds at one kind of work before another has its turn


def drain(runtime: Runtime, kind: str, *, seconds: float = SPELL) -> bool:
    """Work batches until nothing is due or the time is over. True if more may be due."""
    due = runtime.registrations.due_kinds.get(kind)
    if due is None:
        log.warning("ignored a nudge of the unknown kind %r", kind)
        return False
    until = time.monotonic() + seconds
    while due.work(runtime):
        if time.monotonic() > until:
            return True
    return False
