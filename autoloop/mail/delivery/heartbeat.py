"""Slow work beside, leases kept alive meanwhile."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import TypeVar

from autoloop.base.due import Lease, extend
from autoloop.base.runtime import Runtime
from autoloop.plugins.email import Channel, Fate, Reply, Staged

__all__ = ["LEASE", "Heartbeat"]

log = logging.getLogger(__name__)
T = TypeVar("T")

LEASE = timedelta(seconds=30)
BEAT = LEASE.total_seconds() / 4
PATIENCE = 1800.0  # seconds; SMTP's own limits are shorter, this one is for providers without any
NEIGHBOURS = 0.05  # how long the first reply of a handful waits for others, in seconds


class Heartbeat:
    """Extends the leases of a batch while servers are awaited on another thread."""

    def __init__(self, runtime: Runtime, leases: Sequence[Lease]) -> None:
        self._runtime = runtime
        self._leases = leases

    def beat(self) -> None:
        """Hold the leases for another while. One that is lost meanwhile is noticed by whoever writes next."""
        try:
            with self._runtime.unit("worker") as services:
                extend(services.session, "email_logs", self._leases, LEASE)
        except Exception:
            log.exception("a lease could not be extended")

    def during(self, work: Callable[[], T]) -> T:
        """The result of slow work. Raises what it raises."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=run, name="mail-stage", daemon=True).start()
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return future.result(timeout=BEAT)
            except TimeoutError:
                if future.done() or time.monotonic() > until:
                    raise
                self.beat()

    def replies(self, channel: Channel, staged: Sequence[Staged]) -> Iterator[list[tuple[Staged, Reply]]]:
        """Transmit; the replies in handfuls, so that what has come is written while slow ones are awaited.

        A provider that does not come back is left alone in the end: what it still has becomes unknown
        when the leases lapse.
        """
        if not staged:
            return
        arrived: queue.SimpleQueue[tuple[Staged, Reply] | None] = queue.SimpleQueue()
        arguments = (channel, staged, arrived)
        threading.Thread(target=_transmit, args=arguments, name="mail-transmit", daemon=True).start()
        until = time.monotonic() + PATIENCE
        done = False
        while not done and time.monotonic() < until:
            handful: list[tuple[Staged, Reply]] = []
            try:
                while (got := arrived.get(timeout=NEIGHBOURS if handful else BEAT)) is not None:
                    handful.append(got)
                done = True
            except queue.Empty:
                if not handful:
                    self.beat()
            if handful:
                yield handful


def _transmit(
    channel: Channel, staged: Sequence[Staged], arrived: queue.SimpleQueue[tuple[Staged, Reply] | None]
) -> None:
    """Every message gets a reply, even if the provider breaks its contract and raises."""
    waiting = {each.message.key: each for each in staged}
    try:
        for each, reply in channel.transmit_all(staged):
            if waiting.pop(each.message.key, None) is not None:
                arrived.put((each, reply))
        why = "The provider gave no reply"
    except Exception as error:
        log.exception("a provider failed while transmitting")
        why = f"The provider failed: {type(error).__name__}: {error}"
    for each in waiting.values():
        arrived.put((each, Reply(Fate.UNKNOWN, text=why)))
    arrived.put(None)
