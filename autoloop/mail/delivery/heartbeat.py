"""Slow work beside, leases kept alive meanwhile."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import Any, TypeVar

from autoloop.base.due import Lease, extend
from autoloop.base.runtime import Runtime
from autoloop.plugins.email import Channel, Fate, Reply, Staged

__all__ = ["LEASE", "Arrived", "Heartbeat", "Side", "transmit"]

log = logging.getLogger(__name__)
T = TypeVar("T")

LEASE = timedelta(seconds=30)
BEAT = LEASE.total_seconds() / 4
PATIENCE = 1800.0  # seconds; SMTP's own limits are shorter, this one is for providers without any
NEIGHBOURS = 0.05  # how long the first reply of a handful waits for others, in seconds

Arrived = queue.SimpleQueue[tuple[Staged, Reply] | None]


class Side:
    """One thread that does what it is given, in order. It never keeps the process from ending."""

    def __init__(self) -> None:
        self._given: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="mail-provider", daemon=True).start()

    def begin(self, work: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        self._given.put((future, work))
        return future

    def _run(self) -> None:
        while True:
            future, work = self._given.get()
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)


class Heartbeat:
    """Extends the leases of a batch while servers are awaited on the thread beside."""

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

    def result(self, future: Future[T]) -> T:
        """What the slow work gives. Raises what it raises, TimeoutError if it does not come back."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return future.result(timeout=BEAT)
            except TimeoutError:
                if future.done() or time.monotonic() > until:
                    raise
                self.beat()

    def replies(self, arrived: Arrived) -> Iterator[list[tuple[Staged, Reply]]]:
        """Replies in handfuls, so that what has come can be written while slow ones are awaited.

        A provider that does not come back is left alone in the end: what it still has becomes unknown
        when the leases lapse.
        """
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


def transmit(channel: Channel, staged: Sequence[Staged], arrived: Arrived) -> None:
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
