"""What SendGrid tells: verified by its ECDSA signature; and what is not believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from autoloop.plugins.email import Account, EmailProvider, ProviderServices
from autoloop.plugins.email_events import EventKind, IncomingCall, ProviderEvent, Unreadable, Unverified
from autoloop.plugins.forms import ConfigProblems, read_config
from autoloop.plugins.testing.email import EventsContract, MemoryMailbox, Webhook
from autoloop_plugins.email.sendgrid import SendgridProvider
from tests.vendors.sendgrid import API_KEY, EventWebhook

KEY = str(uuid4())


def account(provider: EmailProvider, config: dict[str, Any]) -> Account:
    return Account(uuid4(), uuid4(), "test", read_config(provider, config))


def of_sendgrid() -> Webhook:
    hook, other = EventWebhook(), EventWebhook()
    body = b'[{"event": "delivered", "sg_event_id": "e1", "autoloop_email": "key-1"}]'
    provider = SendgridProvider()
    return Webhook(
        provider,
        account(provider, {"api_key": API_KEY, "verification_key": hook.public}),
        account(provider, {"api_key": API_KEY}),
        call=lambda: (hook.headers(body), body),
        forged=lambda: (other.headers(body), body),
        old=lambda: (hook.headers(body, at=1_700_000_000), body),
    )


@pytest.fixture
def webhook() -> Webhook:
    return of_sendgrid()


class TestEvents(EventsContract):
    """It keeps what every provider with a webhook promises."""


def from_sendgrid(
    hook: EventWebhook, body: bytes, headers: dict[str, str], key: str | None = None
) -> list[ProviderEvent]:
    provider = SendgridProvider()
    made = account(provider, {"api_key": API_KEY, "verification_key": key or hook.public})
    lower = {name.lower(): value for name, value in headers.items()}
    services = ProviderServices(MemoryMailbox())
    return list(provider.receive(made, services, IncomingCall(lower, body, datetime.now(UTC))))


def told_by_sendgrid(*events: dict[str, Any]) -> list[ProviderEvent]:
    hook = EventWebhook()
    body = json.dumps(events).encode()
    return from_sendgrid(hook, body, hook.headers(body))


def test_events_of_sendgrid() -> None:
    base = {
        "email": "ada@example.org",
        "timestamp": 1795399200,
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "sg_event_id": "evt-1",
        "autoloop_email": KEY,
    }
    cases: list[tuple[dict[str, Any], EventKind, bool]] = [
        ({"event": "processed"}, EventKind.ACCEPTED, True),
        ({"event": "delivered", "response": "250 OK"}, EventKind.DELIVERED, True),
        ({"event": "deferred", "response": "400 try again later"}, EventKind.DEFERRED, True),
        ({"event": "bounce", "type": "bounce", "reason": "550 unknown"}, EventKind.BOUNCED, True),
        ({"event": "bounce", "type": "blocked", "reason": "421 busy"}, EventKind.BOUNCED, False),
        ({"event": "blocked"}, EventKind.BOUNCED, False),
        ({"event": "dropped", "reason": "Bounced Address"}, EventKind.BOUNCED, True),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, EventKind.UNSUBSCRIBED, True),
        ({"event": "dropped", "reason": "Spam Content"}, EventKind.REJECTED, True),
        ({"event": "spamreport"}, EventKind.COMPLAINED, True),
        ({"event": "group_unsubscribe"}, EventKind.UNSUBSCRIBED, True),
        ({"event": "open"}, EventKind.OPENED, True),
        ({"event": "click", "url": "https://shop.example/"}, EventKind.CLICKED, True),
    ]
    events = told_by_sendgrid(*(base | each for each, _, _ in cases))
    assert [(event.kind, event.permanent) for event in events] == [(kind, hard) for _, kind, hard in cases]
    assert {(event.key, event.provider_id, event.id) for event in events} == {(KEY, "14c5d75ce93", "evt-1")}
    assert events[0].at == datetime(2026, 11, 23, 2, tzinfo=UTC)
    assert events[-1].url == "https://shop.example/"


def test_what_is_no_event_of_sendgrid_is_passed_over() -> None:
    odd: list[Any] = [{}, {"event": 7}, {"event": "new_one"}, {"event": ["open"]}]
    assert told_by_sendgrid(*odd) == []
    (bare,) = told_by_sendgrid({"event": "open", "timestamp": True, "sg_message_id": 5, "email": None})
    (same,) = told_by_sendgrid({"event": "open", "timestamp": True, "sg_message_id": 5, "email": None})
    assert bare == same, "without an id of its own, an event is known by what it says"
    assert (bare.at, bare.provider_id, bare.key) == (None, None, None)


def test_only_what_sendgrid_signed_is_believed() -> None:
    hook, other = EventWebhook(), EventWebhook()
    body = b'[{"event": "open"}]'
    good = hook.headers(body)
    signature, stamp = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"
    now = datetime.now(UTC).timestamp()
    assert len(from_sendgrid(hook, body, good)) == 1
    for headers in (
        {},
        good | {signature: "%%%"},
        good | {signature: ""},
        good | {stamp: str(int(now) - 1)},
        good | {stamp: "٣"},
        good | {stamp: "9" * 40},
        other.headers(body),
        hook.headers(body + b" "),
        hook.headers(body, at=now - 26 * 3600),
        hook.headers(body, at=now + 26 * 3600),
    ):
        with pytest.raises(Unverified):
            from_sendgrid(hook, body, headers)
    for unreadable in (b"{}", b"", b"\xff", b"7"):
        with pytest.raises(Unreadable):
            from_sendgrid(hook, unreadable, hook.headers(unreadable))


@pytest.mark.parametrize("key", ["x", "AAAA", "-----BEGIN PUBLIC KEY-----"])
def test_a_verification_key_that_is_none_is_refused_at_once(key: str) -> None:
    with pytest.raises(ConfigProblems):
        read_config(SendgridProvider(), {"api_key": API_KEY, "verification_key": key})
