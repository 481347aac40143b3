"""What channels over HTTP share: nothing is staged, several requests run at once, a broken line has a fate."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import httpx

from autoloop.plugins.email import Channel, Fate, Message, ProviderServices, Refused, Reply, Staged

__all__ = ["HttpChannel", "of_exception"]

WIDTH = 8
# Raised before a request has left: the message was certainly not taken.
BEFORE = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


def of_exception(error: Exception) -> Reply:
    """The fate behind a failure: certain only where no connection came about."""
    said = f"{type(error).__name__}: {error}"[:300]
    if isinstance(error, BEFORE):
        return Reply(Fate.TEMPORARY, text=said, of_account=True)
    return Reply(Fate.UNKNOWN, text=said)


def _refused(message: Message) -> Refused | None:
    """None of the vendors takes letters outside ASCII before the @: said here, in words a person understands."""
    if (message.sender + message.recipient).isascii():
        return None
    said = "The address has other letters than a to z before the @, and this provider takes no such addresses"
    return Refused(message, permanent=True, text=f"{said}: an SMTP server with SMTPUTF8 may")


class HttpChannel(Channel):
    """Derive and give `deliver`: one request, one reply; it may raise."""

    width = WIDTH

    def __init__(self, services: ProviderServices) -> None:
        assert services.http is not None, "a provider that speaks HTTP is lent a client"
        self.http: httpx.Client = services.http
        self._pool: ThreadPoolExecutor | None = None

    @abstractmethod
    def deliver(self, message: Message) -> Reply:
        """Hand one message over. What it raises is a broken line: see `of_exception`."""

    def stage(self, messages: Sequence[Message]) -> Sequence[Staged | Refused]:
        return [_refused(message) or Staged(message) for message in messages]

    def transmit(self, staged: Staged) -> Reply:
        try:
            return self.deliver(staged.message)
        except Exception as error:
            return of_exception(error)

    def transmit_all(self, group: Sequence[Staged]) -> Iterator[tuple[Staged, Reply]]:
        if len(group) == 1:
            yield group[0], self.transmit(group[0])
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.width, thread_name_prefix="mail-http")
        running = {self._pool.submit(self.transmit, staged): staged for staged in group}
        for done in as_completed(running):
            yield running[done], done.result()

    def abandon(self, staged: Staged) -> None:
        """Nothing was begun."""

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False)
            self._pool = None
