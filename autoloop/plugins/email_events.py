"""What a provider tells of mail it took: its webhook, verified as the vendor does, read into one shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

__all__ = ["EventKind", "IncomingCall", "ProviderEvent", "Unreadable", "Unverified", "read_json"]


class EventKind(StrEnum):
    """What happened to the mail."""

    ACCEPTED = "accepted"  # the vendor has it: settles what was unknown
    DELIVERED = "delivered"
    DEFERRED = "deferred"  # the vendor goes on trying
    BOUNCED = "bounced"
    REJECTED = "rejected"  # the vendor took it and then did not send it; nothing against the address
    COMPLAINED = "complained"
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One event of one mail. `id` is the vendor's own, the same whenever it tells the event again.

    The mail is named by `key` (what `Message.key` was), else by `provider_id`, else by `message_id`.
    `proof` is what the vendor's signature allows once only, where it does not cover the event itself.
    `permanent` tells a hard bounce from a soft one. `detail` is for people: what the far server said.
    """

    kind: EventKind
    id: str
    key: str | None = None
    provider_id: str | None = None
    message_id: str | None = None
    recipient: str | None = None
    at: datetime | None = None
    permanent: bool = True
    detail: str = ""
    url: str | None = None
    proof: str | None = None


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """What was posted to the account's webhook address. Names of headers are in lower case."""

    headers: Mapping[str, str]
    body: bytes
    now: datetime


class Unverified(Exception):
    """The call does not come from the vendor, or is too old. The text is for the log, never answered."""


class Unreadable(Exception):
    """A genuine call that cannot be read. The text says why."""


def read_json(body: bytes) -> Any:
    """The JSON of a body; of a name that comes twice the last one counts. Raises Unreadable."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"The body is no JSON: {error.msg}") from None
