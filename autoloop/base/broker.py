"""Redis as a broker of hints: each is gone once it is read, and what is no message is dropped."""

from __future__ import annotations

import logging
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

__all__ = ["read_tolerantly"]

log = logging.getLogger(__name__)


class Channel(redis.Channel):
    """Nothing is acknowledged: a nudge may be lost, while an acknowledgement that fails would keep its place among
    the messages that a worker may hold, for ever."""

    def basic_consume(self, queue: str, no_ack: bool, *arguments: Any, **options: Any) -> None:
        super().basic_consume(queue, True, *arguments, **options)  # type: ignore[no-untyped-call]

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        pass

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        pass

    def _brpop_read(self, **options: Any) -> None:
        try:
            super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (Empty, *self.connection.connection_errors, *self.connection.channel_errors):
            raise
        except Exception as error:
            # The message is off the queue already; the row that it may have spoken of is found by the scheduler.
            log.warning("dropped what is no message: %s: %s", type(error).__name__, str(error)[:200])
            raise Empty from None


class Transport(redis.Transport):
    Channel = Channel


def read_tolerantly() -> None:
    """Let this process's Celery read through such channels. Kombu's own ends the worker at the first junk."""
    here = f"{__name__}:{Transport.__name__}"
    TRANSPORT_ALIASES.update({"redis": here, "rediss": here})
