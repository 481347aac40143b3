"""What an email provider is: something that stages messages, then transmits or abandons each.

The line that matters is the moment from which a message *may* be accepted. Everything before it
(connecting, signing in, naming the recipient) happens in `stage`; AutoLoop then commits the mark
"sending" and only after that calls `transmit`. A provider that lets a message be accepted in
`stage`, or after `abandon`, breaks the promise that nobody is mailed twice.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from uuid import UUID

import colander

from autoloop.plugins.email_events import EventKind, IncomingCall, ProviderEvent, Unreadable, Unverified

if TYPE_CHECKING:
    import httpx

__all__ = [
    "Account",
    "Channel",
    "EmailProvider",
    "EventKind",
    "Fate",
    "Idempotency",
    "IncomingCall",
    "Mailbox",
    "Message",
    "ProviderEvent",
    "ProviderServices",
    "Refused",
    "Reply",
    "Staged",
    "Unreadable",
    "Unverified",
]


class Idempotency(StrEnum):
    """How a provider helps to settle a message whose fate is unknown."""

    KEY = "key"  # transmitting the same key again delivers nothing twice
    LOOKUP = "lookup"  # `Channel.look_up` tells whether the key was accepted
    EVENTS = "events"  # a later event names the message
    NONE = "none"


class Fate(StrEnum):
    """What became of a message, as far as the provider said."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"  # certainly not accepted; another try may succeed
    PERMANENT = "permanent"  # certainly not accepted; another try is pointless
    UNKNOWN = "unknown"  # it may have been accepted: never retried blindly


_ADDRESS = re.compile(r"[^\s<>\x00-\x1f\x7f]{1,254}\Z")


@dataclass(frozen=True, slots=True)
class Message:
    """One finished message to one recipient. `data` is RFC 5322 with CRLF, not dot-stuffed.

    `key` is the same at every attempt and differs between messages.
    """

    key: str
    message_id: str
    sender: str
    recipient: str
    data: bytes

    def __post_init__(self) -> None:
        for address in (self.sender, self.recipient):
            if not _ADDRESS.match(address):
                raise ValueError("an envelope address holds a space, a bracket or a control character")
        # A lone CR or LF is what smuggles a second message past a lenient server.
        if not self.data.count(b"\r\n") == self.data.count(b"\n") == self.data.count(b"\r"):
            raise ValueError("message lines end with CRLF only")


@dataclass(frozen=True, slots=True)
class Staged:
    """A message for which only `transmit` or `abandon` is left. `handle` is the provider's own."""

    message: Message
    handle: Any = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that was certainly not accepted while staging.

    `of_account` says that the account (host, sign-in, quota) is at fault, not the message:
    such a refusal is never held against the recipient. `retry_after` is in seconds. `of_address` says that
    there is no such mailbox: a permanent refusal that counts as a hard bounce.
    """

    message: Message
    permanent: bool
    code: int | None = None
    text: str = ""
    of_account: bool = False
    retry_after: float | None = None
    of_address: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """The provider's answer to `transmit`. `provider_id` is its own name for the message. `of_address` says of
    a permanent no that there is no such mailbox, as it does in `Refused`."""

    fate: Fate
    code: int | None = None
    text: str = ""
    provider_id: str | None = None
    of_account: bool = False
    retry_after: float | None = None
    of_address: bool = False


class Channel(ABC):
    """An open way out through one account. Used by one thread at a time; kept open for many groups."""

    width: int = 1
    """How many messages may be staged at once: never more than one per connection."""

    @abstractmethod
    def stage(self, messages: Sequence[Message]) -> Sequence[Staged | Refused]:
        """Do all that comes before acceptance becomes possible. At most `width` messages; answers
        in the same order. Never raises for what a server or a network does."""

    @abstractmethod
    def transmit(self, staged: Staged) -> Reply:
        """Send the message and wait for its fate. Never raises; what is not certain is UNKNOWN."""

    @abstractmethod
    def abandon(self, staged: Staged) -> None:
        """Drop a staged message so that it is certainly not delivered. Never raises."""

    def transmit_all(self, group: Sequence[Staged]) -> Iterator[tuple[Staged, Reply]]:
        """Transmit a group; yields each reply as it becomes known, every member exactly once."""
        for staged in group:
            yield staged, self.transmit(staged)

    def look_up(self, key: str) -> Reply | None:
        """With `Idempotency.LOOKUP`: the fate of an earlier message, None while it cannot be told."""
        return None

    def close(self) -> None:  # noqa: B027 - having nothing to close is fine
        """Give up connections. Staged messages count as abandoned."""


class Mailbox(Protocol):
    """Where captured mail is kept. Storing the same key twice keeps one message."""

    def store(self, messages: Iterable[Message]) -> None: ...


@dataclass(frozen=True, slots=True)
class Account:
    """One configured provider account. `config` is what `Config` returned, secrets included."""

    id: UUID
    workspace_id: UUID
    name: str
    config: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProviderServices:
    """What AutoLoop lends to every provider alike. `http` reaches public addresses only."""

    mailbox: Mailbox
    http: httpx.Client | None = None


class EmailProvider(ABC):
    """One kind of way out, found through the entry-point group `autoloop.email_providers`.

    `Config` is a colander mapping: it draws the account's form and checks it. A node made with
    `secret=True` is kept encrypted and never shown again.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    idempotency: ClassVar[Idempotency] = Idempotency.NONE
    # With `Idempotency.KEY`: for how long a key is surely known again. What waited for longer is not handed over
    # a second time by itself.
    key_lasts: ClassVar[timedelta] = timedelta(hours=23)

    class Config(colander.MappingSchema):
        """Nothing to configure."""

    @abstractmethod
    def open(self, account: Account, services: ProviderServices) -> Channel:
        """A channel of this account. Connects lazily: trouble shows in `stage`, not here."""

    def takes_events(self, account: Account) -> bool:
        """Whether the account has what its webhook is verified with; without it, the address is unknown."""
        return False

    def receive(
        self, account: Account, services: ProviderServices, call: IncomingCall
    ) -> Sequence[ProviderEvent]:
        """The events that a call to the account's webhook brings, once it is verified as the vendor says.

        What AutoLoop does not care for is left out. Raises Unverified for a call that is not the vendor's or
        is older than its rule allows, Unreadable for one that cannot be read. Only called while
        `takes_events`. It may reach out through `services.http`, for the vendor's certificate, say.
        """
        raise Unverified("this provider has no webhook")
