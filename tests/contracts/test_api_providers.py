"""Mailgun, Postmark and Resend against local stand-ins: the contract, and what their answers mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from autoloop.base.http import Allowed, OutboundClient
from autoloop.plugins.email import (
    Channel,
    Fate,
    Message,
    ProviderServices,
    Reply,
)
from autoloop.plugins.testing.email import (
    EmailProviderContract,
    MemoryMailbox,
    Way,
    message,
    staged_all,
)
from tests.contracts.api_providers import account, provider
from tests.vendors import json_apis as fakes
from tests.vendors.server import Answer, Vendor, json_answer


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
