"""Mailgun, Postmark and Resend against local stand-ins: the contract, their answers, their webhooks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from autoloop.base.http import Allowed, OutboundClient
from autoloop.plugins.email import (
    Account,
    Channel,
    EmailProvider,
    EventKind,
    Fate,
    IncomingCall,
    Message,
    ProviderEvent,
    ProviderServices,
    Reply,
    Unreadable,
    Unverified,
)
from autoloop.plugins.forms import read_config
from autoloop.plugins.testing.email import (
    EmailProviderContract,
    EventsContract,
    MemoryMailbox,
    Way,
    Webhook,
    message,
    staged_all,
)
from autoloop_plugins.email.mailgun import MailgunProvider
from autoloop_plugins.email.postmark import PostmarkProvider
from autoloop_plugins.email.resend import ResendProvider
from tests.vendors import json_apis as fakes
from tests.vendors.server import Answer, Vendor, json_answer

CONFIGS: dict[str, dict[str, str]] = {
    "mailgun": {"api_key": fakes.KEY, "domain": "mg.example.com", "webhook_signing_key": fakes.SIGNING_KEY},
    "postmark": {"server_token": fakes.KEY, "webhook_password": fakes.PASSWORD},
    "resend": {"api_key": fakes.KEY, "webhook_secret": fakes.SVIX},
}


def provider(kind: str, url: str = "") -> EmailProvider:
    class Mailgun(MailgunProvider):
        hosts = {"us": url, "eu": url}

    class Postmark(PostmarkProvider):
        host = url

    class Resend(ResendProvider):
        host = url

    return {"mailgun": Mailgun, "postmark": Postmark, "resend": Resend}[kind]()


def account(kind: str, **other: str) -> Account:
    return Account(uuid4(), uuid4(), "test", read_config(provider(kind), CONFIGS[kind] | other))


def opened(kind: str, fake: Vendor, **other: str) -> Channel:
    http = OutboundClient(Allowed.read(["127.0.0.1"]), seconds=5.0)
    services = ProviderServices(MemoryMailbox(), http=http)
    return provider(kind, fake.url).open(account(kind, **other), services)


VENDORS: dict[str, Callable[[], Any]] = {
    "mailgun": fakes.FakeMailgun,
    "postmark": fakes.FakePostmark,
    "resend": fakes.FakeResend,
}


@pytest.fixture(params=list(VENDORS))
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    with VENDORS[request.param]() as vendor:
        made = Way(opened(request.param, vendor), lambda: vendor.arrived)
        yield made
        made.channel.close()


class TestContract(EmailProviderContract):
    """All three keep what every provider promises."""


def transmit(channel: Channel, given: Message | None = None) -> Reply:
    return channel.transmit(staged_all(channel, [given or message()])[0])


def postmark_error(status: int, code: int) -> Answer:
    return json_answer(status, {"ErrorCode": code, "Message": "no"})


def resend_error(status: int, name: str, **headers: str) -> Answer:
    return json_answer(status, {"statusCode": status, "name": name, "message": "no"}, **headers)


ERRORS: list[tuple[str, Answer, Fate, bool, float | None]] = [
    ("mailgun", json_answer(400, {"message": "'to' parameter is not a valid address"}), Fate.PERMANENT, False, None),
    ("mailgun", Answer(401, b"Forbidden"), Fate.TEMPORARY, True, None),
    ("mailgun", json_answer(403, {"message": "Domain is not allowed to send"}), Fate.TEMPORARY, True, None),
    ("mailgun", json_answer(404, {"message": "Domain not found"}), Fate.TEMPORARY, True, None),
    ("mailgun", Answer(408), Fate.TEMPORARY, False, None),
    ("mailgun", json_answer(413, {"message": "too large"}), Fate.PERMANENT, False, None),
    ("mailgun", json_answer(429, {"message": "slow"}, **{"Retry-After": "9"}), Fate.TEMPORARY, True, 9),
    ("mailgun", Answer(500, b"<html>"), Fate.UNKNOWN, False, None),
    ("mailgun", Answer(hang_up=True), Fate.UNKNOWN, False, None),
    ("postmark", postmark_error(422, 300), Fate.PERMANENT, False, None),
    ("postmark", postmark_error(422, 406), Fate.PERMANENT, False, None),
    ("postmark", postmark_error(422, 401), Fate.TEMPORARY, True, None),
    ("postmark", postmark_error(422, 405), Fate.TEMPORARY, True, None),
    ("postmark", postmark_error(422, 412), Fate.TEMPORARY, True, None),
    ("postmark", postmark_error(401, 10), Fate.TEMPORARY, True, None),
    ("postmark", Answer(429, b"", {"Retry-After": "3"}), Fate.TEMPORARY, True, 3),
    ("postmark", postmark_error(500, 0), Fate.UNKNOWN, False, None),
    ("postmark", postmark_error(503, 100), Fate.TEMPORARY, True, None),
    ("postmark", Answer(503, b"<html>"), Fate.UNKNOWN, False, None),
    ("postmark", Answer(hang_up=True), Fate.UNKNOWN, False, None),
    ("resend", resend_error(422, "validation_error"), Fate.PERMANENT, False, None),
    ("resend", resend_error(403, "validation_error"), Fate.TEMPORARY, True, None),
    ("resend", resend_error(401, "missing_api_key"), Fate.TEMPORARY, True, None),
    ("resend", resend_error(429, "rate_limit_exceeded", **{"Retry-After": "1"}), Fate.TEMPORARY, True, 1),
    ("resend", resend_error(429, "daily_quota_exceeded"), Fate.TEMPORARY, True, 3600),
    ("resend", resend_error(409, "concurrent_idempotent_requests"), Fate.UNKNOWN, False, None),
    ("resend", resend_error(500, "internal_server_error"), Fate.UNKNOWN, False, None),
    ("resend", Answer(hang_up=True), Fate.UNKNOWN, False, None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "planned", "fate", "of_account", "wait"), ERRORS)
def test_what_an_answer_means(
    kind: str, planned: Answer, fate: Fate, of_account: bool, wait: float | None
) -> None:
    with VENDORS[kind]() as vendor:
        channel = opened(kind, vendor)
        vendor.planned = [planned]
        reply = transmit(channel)
        assert (reply.fate, reply.of_account, reply.retry_after) == (fate, of_account, wait), reply
        assert len(vendor.asked) == 1, "a second try is AutoLoop's to make, not the channel's"
        assert transmit(channel).fate is Fate.ACCEPTED


@pytest.mark.parametrize("kind", list(VENDORS))
def test_wrong_credentials_and_closed_doors_are_the_accounts_matter(kind: str) -> None:
    name = "server_token" if kind == "postmark" else "api_key"
    with VENDORS[kind]() as vendor:
        assert transmit(opened(kind, vendor, **{name: "other"})).of_account
        channel = opened(kind, vendor)
    reply = transmit(channel)
    assert (reply.fate, reply.of_account, vendor.arrived) == (Fate.TEMPORARY, True, [])


def test_resend_takes_a_key_once() -> None:
    with fakes.FakeResend() as vendor:
        channel, given = opened("resend", vendor), message()
        first, again = transmit(channel, given), transmit(channel, given)
        assert first.provider_id == again.provider_id == "id-1"
        assert len(vendor.mails) == 1
        assert vendor.mails[0]["tags"] == [{"name": "autoloop_email", "value": given.key}]


def test_mailgun_is_told_the_key_and_gets_our_octets() -> None:
    with fakes.FakeMailgun() as vendor:
        given = message("ada@example.org")
        assert transmit(opened("mailgun", vendor), given).provider_id == "1@mg.example.com"
        assert vendor.fields == [{"to": "ada@example.org", "o:tracking": "no", "v:autoloop-email": given.key}]


RICH = (
    b'From: =?utf-8?b?w4lkaXRoIFZlcm5l?= <edith@shop.example>\r\nTo: "Lovelace, Ada" <ada@example.org>\r\n'
    b"Reply-To: help@shop.example\r\nSubject: =?utf-8?b?Q2Fmw6k=?=\r\nMessage-ID: <1@shop.example>\r\n"
    b"DKIM-Signature: v=1; b=x\r\nList-Unsubscribe: <https://shop.example/t/1>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n'
    b'--m\r\nContent-Type: multipart/alternative; boundary="a"\r\n\r\n'
    b'--a\r\nContent-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    b'Caf=C3=A9\r\n--a\r\nContent-Type: text/html; charset="utf-8"\r\n\r\n<img src="cid:logo">\r\n--a--\r\n'
    b"--m\r\nContent-Type: image/png\r\nContent-ID: <logo>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBO\r\n"
    b'--m\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="a.pdf"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nJVBE\r\n--m--\r\n"
)  # fmt: skip


def test_json_says_all_that_the_message_says() -> None:
    given = Message("key-1", "<1@shop.example>", "edith@shop.example", "ada@example.org", RICH)
    with fakes.FakePostmark() as postmark, fakes.FakeResend() as resend:
        assert transmit(opened("postmark", postmark), given).provider_id == "id-1"
        assert transmit(opened("resend", resend), given).provider_id == "id-1"
        (one,), (two,) = postmark.mails, resend.mails
    sender, recipient = '"Édith Verne" <edith@shop.example>', '"Lovelace, Ada" <ada@example.org>'
    headers = {"Message-ID": "<1@shop.example>", "List-Unsubscribe": "<https://shop.example/t/1>"}
    assert (one["From"], one["To"], one["ReplyTo"], one["Subject"]) == (
        sender,
        recipient,
        "help@shop.example",
        "Café",
    )
    assert (two["from"], two["to"], two["reply_to"], two["subject"]) == (
        sender,
        [recipient],
        "help@shop.example",
        "Café",
    )
    assert {h["Name"]: h["Value"] for h in one["Headers"]} == headers | {"X-PM-KeepID": "true"}
    assert two["headers"] == headers
    assert (one["TextBody"].strip(), one["HtmlBody"].strip()) == ("Café", '<img src="cid:logo">')
    assert (two["text"].strip(), two["html"].strip()) == ("Café", '<img src="cid:logo">')
    assert [(a["Name"], a["Content"], a.get("ContentID")) for a in one["Attachments"]] == [("attachment", "iVBO", "cid:logo"), ("a.pdf", "JVBE", None)]  # fmt: skip
    assert [(a["filename"], a["content"], a.get("content_id")) for a in two["attachments"]] == [("attachment", "iVBO", "logo"), ("a.pdf", "JVBE", None)]  # fmt: skip


# -- webhooks

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


@pytest.fixture(params=list(VENDORS))
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


@pytest.mark.parametrize("kind", list(VENDORS))
@pytest.mark.parametrize("strange", [{}, {"id": 7}, {"data": []}, {"Metadata": 7, "ID": 1, "MessageID": []}])
def test_strange_events_of_the_right_sender_are_read_or_refused(kind: str, strange: dict[str, Any]) -> None:
    for event in (strange, EXAMPLES[kind] | strange):
        with contextlib.suppress(Unreadable):
            receive(kind, CALLS[kind](event))
