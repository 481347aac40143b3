"""What Mailgun, Postmark and Resend tell by their webhooks, and how they prove it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autoloop.plugins.email import (
    EventKind,
    IncomingCall,
    ProviderEvent,
    ProviderServices,
    Unreadable,
    Unverified,
)
from autoloop.plugins.testing.email import EventsContract, MemoryMailbox, Webhook
from tests.contracts.api_providers import KINDS, account, provider
from tests.vendors import json_apis as fakes

NOW = datetime.now(UTC)
CALLS: dict[str, Callable[..., fakes.Call]] = {
    "mailgun": fakes.mailgun_call,
    "postmark": fakes.postmark_call,
    "resend": fakes.resend_call,
}


def mailgun(event: str, **more: Any) -> dict[str, Any]:
    base = {"id": "e-1", "event": event, "timestamp": 1700000000.5, "recipient": "ada@example.org"}
    return (
        base
        | {"user-variables": {"autoloop-email": "key-1"}, "message": {"headers": {"message-id": "k@x"}}}
        | more
    )


def postmark(record: str, **more: Any) -> dict[str, Any]:
    return {"RecordType": record, "MessageID": "m-1", "Metadata": {"autoloop_email": "key-1"}} | more


def resend(type: str, **more: Any) -> dict[str, Any]:
    data = {"email_id": "m-1", "to": ["ada@example.org"], "tags": {"autoloop_email": "key-1"}} | more
    return {"type": type, "created_at": "2026-11-23T02:00:00.000Z", "data": data}


TOLD: list[tuple[str, dict[str, Any], EventKind | None, bool]] = [
    ("mailgun", mailgun("accepted"), EventKind.ACCEPTED, True),
    ("mailgun", mailgun("delivered"), EventKind.DELIVERED, True),
    ("mailgun", mailgun("failed", severity="permanent", reason="bounce"), EventKind.BOUNCED, True),
    ("mailgun", mailgun("failed", severity="permanent", reason="suppress-bounce"), EventKind.REJECTED, True),
    ("mailgun", mailgun("failed", severity="temporary"), EventKind.DEFERRED, True),
    ("mailgun", mailgun("complained"), EventKind.COMPLAINED, True),
    ("mailgun", mailgun("stored"), None, True),
    ("postmark", postmark("Delivery", DeliveredAt="2026-11-23T02:00:00Z"), EventKind.DELIVERED, False),
    ("postmark", postmark("Bounce", Type="HardBounce", ID=4), EventKind.BOUNCED, True),
    ("postmark", postmark("Bounce", Type="SoftBounce", ID=5), EventKind.BOUNCED, False),
    ("postmark", postmark("Bounce", Type="Transient", ID=6), EventKind.DEFERRED, False),
    ("postmark", postmark("Bounce", Type="AutoResponder", ID=7), None, False),
    ("postmark", postmark("SpamComplaint", ID=8), EventKind.COMPLAINED, False),
    ("postmark", postmark("SubscriptionChange", SuppressSending=True, Origin="Recipient"), EventKind.UNSUBSCRIBED, False),
    ("postmark", postmark("SubscriptionChange", SuppressSending=False, Origin="Recipient"), None, False),
    ("resend", resend("email.sent"), EventKind.ACCEPTED, False),
    ("resend", resend("email.bounced", bounce={"type": "Permanent", "message": "gone"}), EventKind.BOUNCED, True),
    ("resend", resend("email.bounced", bounce={"type": "Transient"}), EventKind.BOUNCED, False),
    ("resend", resend("email.complained"), EventKind.COMPLAINED, False),
    ("resend", resend("contact.created"), None, False),
]  # fmt: skip


def receive(kind: str, call: fakes.Call, **other: str) -> list[ProviderEvent]:
    headers, body = call
    incoming = IncomingCall({name.lower(): value for name, value in headers.items()}, body, NOW)
    return list(provider(kind).receive(account(kind, **other), ProviderServices(MemoryMailbox()), incoming))


@pytest.mark.parametrize(("kind", "event", "told", "permanent"), TOLD)
def test_what_an_event_tells(
    kind: str, event: dict[str, Any], told: EventKind | None, permanent: bool
) -> None:
    events = receive(kind, CALLS[kind](event))
    assert [each.kind for each in events] == ([told] if told else [])
    again = receive(kind, CALLS[kind](event))
    assert [replace(each, proof=None) for each in again] == [replace(each, proof=None) for each in events]
    for each in events:
        assert (each.key, bool(each.id)) == ("key-1", True)
        if told is EventKind.BOUNCED:
            assert each.permanent is permanent


EXAMPLES = {
    "mailgun": mailgun("delivered"),
    "postmark": postmark("Delivery"),
    "resend": resend("email.delivered"),
}
WRONG = {"mailgun": "other", "postmark": "other", "resend": "whsec_b3RoZXI="}


SECRETS = {
    "mailgun": "webhook_signing_key",
    "postmark": "webhook_password",
    "resend": "webhook_secret",
}


@pytest.fixture(params=KINDS)
def webhook(request: pytest.FixtureRequest) -> Webhook:
    kind = request.param
    long_ago = (NOW - timedelta(hours=12)).timestamp()
    return Webhook(
        provider(kind),
        account(kind),
        account(kind, **{SECRETS[kind]: ""}),
        call=lambda: CALLS[kind](EXAMPLES[kind]),
        forged=lambda: CALLS[kind](EXAMPLES[kind], key=WRONG[kind]),
        old=None if kind == "postmark" else lambda: CALLS[kind](EXAMPLES[kind], at=long_ago),
    )


class TestEvents(EventsContract):
    """All three verify their webhooks as the vendor does."""


@pytest.mark.parametrize("kind", ["mailgun", "resend"])
@pytest.mark.parametrize("hours", [-12, 12])
def test_an_old_or_future_call_is_refused(kind: str, hours: int) -> None:
    at = (NOW + timedelta(hours=hours)).timestamp()
    with pytest.raises(Unverified):
        receive(kind, CALLS[kind](EXAMPLES[kind], at=at))


def test_a_body_changed_after_signing_is_refused() -> None:
    headers, body = fakes.resend_call(resend("email.delivered"))
    with pytest.raises(Unverified):
        receive("resend", (headers, body.replace(b"delivered", b"complained")))


STRANGE: list[dict[str, Any]] = [{}, {"id": 7}, {"data": []}, {"Metadata": 7, "ID": 1, "MessageID": []}]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strange", STRANGE)
def test_what_is_no_event_tells_of_nothing(kind: str, strange: dict[str, Any]) -> None:
    if kind == "resend":
        with pytest.raises(Unreadable):
            receive(kind, CALLS[kind](strange))
    else:
        assert receive(kind, CALLS[kind](strange)) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strange", STRANGE)
def test_of_an_event_with_strange_parts_the_others_count(kind: str, strange: dict[str, Any]) -> None:
    call = CALLS[kind](EXAMPLES[kind] | strange)
    if (kind, "data" in strange) == ("resend", True):
        with pytest.raises(Unreadable):
            receive(kind, call)
        return
    (told,) = receive(kind, call)
    named = None if kind == "postmark" and "Metadata" in strange else "key-1"
    assert (told.kind, told.key) == (EventKind.DELIVERED, named)
    assert isinstance(told.id, str) and told.id
    assert told.provider_id is None or isinstance(told.provider_id, str)
