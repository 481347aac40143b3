"""How a worker stops: its processes end their batches, and whatever keeps one of them longer is left to others."""

from __future__ import annotations

import logging
import mmap
import os
import signal
from contextlib import suppress
from typing import Any

from billiard.process import active_children
from celery import signals
from celery.utils.threads import bound_open_broker_sockets

__all__ = ["Stopping"]

log = logging.getLogger(__name__)

PATIENCE = 8.0  # seconds for what is under way; who asked may have ten
BROKER_SECONDS = 0.5  # for each word with the broker on the way out, which a frozen one never answers


class Stopping:
    """Whether a worker was asked to stop; known to the processes forked from where this was made."""

    def __init__(self) -> None:
        self._flag = mmap.mmap(-1, 1)
        self._consumer: Any = None

    @property
    def asked(self) -> bool:
        return self._flag[0] == 1

    def listen(self) -> None:
        """From now on SIGTERM to this worker's parent ends it within `PATIENCE` seconds, in order or not."""
        signals.worker_ready.connect(self._ready, weak=False)
        signals.worker_shutting_down.connect(self._ask, weak=False)

    def _ready(self, sender: Any, **_: Any) -> None:
        self._consumer = sender

    def _ask(self, **_: Any) -> None:
        if self.asked:
            return
        self._flag[0] = 1
        if self._consumer is not None and self._consumer.connection is not None:
            bound_open_broker_sockets(self._consumer.connection, BROKER_SECONDS)
        # A signal also gets through while the parent hangs in a call; a thread might have to wait for it.
        signal.signal(signal.SIGALRM, self._leave)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)

    def _leave(self, *_: Any) -> None:
        log.warning("what is under way does not end in time and is left to other workers")
        for child in active_children():
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
        os._exit(0)
