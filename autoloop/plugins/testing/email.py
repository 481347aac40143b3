"""The contract of email providers, as tests that any plugin's author can run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from autoloop.plugins.email import (
    Account,
    Channel,
    EmailProvider,
    Fate,
    IncomingCall,
    Message,
    ProviderEvent,
    ProviderServices,
    Staged,
    Unreadable,
    Unverified,
)

__all__ = [
    "EmailProviderContract",
    "EventsContract",
    "MemoryMailbox",
    "Way",
    "Webhook",
    "message",
    "staged_all",
]


def message(to: str = "ada@example.org", body: bytes = b"Hello\r\n.\r\n..two\r\n") -> Message:
    key = uuid4().hex
    head = f"Message-ID: <{key}@test>\r\nTo: {to}\r\nSubject: Hi\r\n\r\n".encode()
    return Message(key, f"<{key}@test>", "me@example.com", to, head + body)


@dataclass
class MemoryMailbox:
    kept: dict[str, Message] = field(default_factory=dict)

    def store(self, messages: Iterable[Message]) -> None:
        self.kept |= {message.key: message for message in messages}


@dataclass
class Way:
    """A channel, and what arrived at its far end."""

    channel: Channel
    arrived: Callable[[], list[bytes]]


def staged_all(channel: Channel, messages: list[Message]) -> list[Staged]:
    staged = channel.stage(messages)
    assert [one.message for one in staged] == messages
    assert all(isinstance(one, Staged) for one in staged), staged
    return [one for one in staged if isinstance(one, Staged)]


class EmailProviderContract:
    """What every provider promises. Subclass it in your tests and give a fixture `way`."""

    def test_what_is_transmitted_arrives_whole_and_once(self, way: Way) -> None:
        messages = [message(f"person{n}@example.org") for n in range(min(way.channel.width, 4))]
        replies = {
            staged.message.key: reply
            for staged, reply in way.channel.transmit_all(staged_all(way.channel, messages))
        }
        assert {key: reply.fate for key, reply in replies.items()} == {m.key: Fate.ACCEPTED for m in messages}
        assert sorted(way.arrived()) == sorted(m.data for m in messages)

    def test_staging_alone_delivers_nothing(self, way: Way) -> None:
        staged = staged_all(way.channel, [message()])
        assert way.arrived() == []
        assert way.channel.transmit(staged[0]).fate is Fate.ACCEPTED

    def test_what_is_abandoned_never_arrives_and_the_channel_goes_on(self, way: Way) -> None:
        kept, dropped = message("kept@example.org"), message("dropped@example.org")
        one, two = staged_all(way.channel, [kept, dropped])
        way.channel.abandon(two)
        assert way.channel.transmit(one).fate is Fate.ACCEPTED
        later = message("later@example.org")
        assert way.channel.transmit(staged_all(way.channel, [later])[0]).fate is Fate.ACCEPTED
        assert way.arrived() == [kept.data, later.data]

    def test_closing_drops_nothing_that_was_accepted(self, way: Way) -> None:
        way.channel.transmit(staged_all(way.channel, [message()])[0])
        way.channel.close()
        assert len(way.arrived()) == 1


@dataclass
class Webhook:
    """A provider's webhook, and the vendor's hand that writes to it.

    `call` makes a genuine call with one event of the mail `key-1`; `forged` one with another's secret; `old`
    a genuine one of long ago, where the vendor dates its calls. `off` is the account without its secret.
    """

    provider: EmailProvider
    account: Account
    off: Account
    call: Callable[[], tuple[Mapping[str, str], bytes]]
    forged: Callable[[], tuple[Mapping[str, str], bytes]]
    old: Callable[[], tuple[Mapping[str, str], bytes]] | None = None
    services: ProviderServices = field(default_factory=lambda: ProviderServices(MemoryMailbox()))

    def receive(self, call: tuple[Mapping[str, str], bytes]) -> list[ProviderEvent]:
        headers = {name.lower(): value for name, value in call[0].items()}
        incoming = IncomingCall(headers, call[1], datetime.now(UTC))
        return list(self.provider.receive(self.account, self.services, incoming))


class EventsContract:
    """What every provider with a webhook promises. Subclass it and give a fixture `webhook`."""

    def test_an_event_names_its_mail_and_has_the_same_id_again(self, webhook: Webhook) -> None:
        (one,), (two,) = webhook.receive(webhook.call()), webhook.receive(webhook.call())
        assert one.id
        assert one.key == "key-1" or one.provider_id or one.message_id
        assert replace(one, proof=None) == replace(two, proof=None)

    def test_what_another_signed_is_refused(self, webhook: Webhook) -> None:
        with pytest.raises(Unverified):
            webhook.receive(webhook.forged())

    def test_what_nobody_signed_is_refused(self, webhook: Webhook) -> None:
        for body in (webhook.call()[1], b"", b"[]", b"not JSON", b"\xff"):
            with pytest.raises((Unverified, Unreadable)):
                webhook.receive(({}, re.sub(rb"(?i)signature", b"nothing", body)))

    def test_what_is_too_old_is_refused(self, webhook: Webhook) -> None:
        if webhook.old is None:
            pytest.skip("the vendor does not date its calls")
        with pytest.raises(Unverified):
            webhook.receive(webhook.old())

    def test_without_its_secret_it_is_off(self, webhook: Webhook) -> None:
        assert webhook.provider.takes_events(webhook.account)
        assert not webhook.provider.takes_events(webhook.off)
