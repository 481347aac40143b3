"""How a worker stops: it ends its batch, and whatever keeps it longer is left to others."""

from __future__ import annotations

import logging
import os
import signal
from typing import Any

from celery import signals
from celery.utils.threads import bound_open_broker_sockets

__all__ = ["Stopping"]

log = logging.getLogger(__name__)

PATIENCE = 8.0  # seconds for what is under way; who asked may have ten
BROKER_SECONDS = 0.5  # for each word with the broker on the way out, which a frozen one never answers


class Stopping:
    """Whether a worker was asked to stop."""

    def __init__(self) -> None:
        self.asked = False
        self._consumer: Any = None

    def listen(self) -> None:
        """From now on SIGTERM ends this worker within `PATIENCE` seconds, in order or not."""
        signals.worker_ready.connect(self._ready, weak=False)
        signals.worker_shutting_down.connect(self._ask, weak=False)

    def _ready(self, sender: Any, **_: Any) -> None:
        self._consumer = sender

    def _ask(self, **_: Any) -> None:
        if self.asked:
            return
        self.asked = True
        if self._consumer is not None and self._consumer.connection is not None:
            bound_open_broker_sockets(self._consumer.connection, BROKER_SECONDS)
        # A signal also gets through while the worker hangs in a call; a thread might have to wait for it.
        signal.signal(signal.SIGALRM, self._leave)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)

    def _leave(self, *_: Any) -> None:
        log.warning("what is under way does not end in time and is left to other workers")
        os._exit(0)
