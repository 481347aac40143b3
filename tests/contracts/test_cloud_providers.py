"""SES, SendGrid and Gmail against local stand-ins: the contract, and what becomes of each of their answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from autoloop.base.http import Allowed, OutboundClient
from autoloop.plugins.email import (
    Account,
    Channel,
    EmailProvider,
    Fate,
    Message,
    ProviderServices,
    Refused,
    Reply,
)
from autoloop.plugins.forms import read_config
from autoloop.plugins.testing.email import EmailProviderContract, MemoryMailbox, Way, message, staged_all
from autoloop_plugins.email.gmail import GmailProvider, oauth
from autoloop_plugins.email.gmail.oauth import Places
from autoloop_plugins.email.sendgrid import SendgridProvider
from autoloop_plugins.email.ses import SesProvider
from tests.vendors import aws, google, sendgrid
from tests.vendors.server import Answer, Vendor, json_answer

SECONDS = 5.0


def opened(provider: EmailProvider, config: dict[str, Any]) -> Channel:
    http = OutboundClient(Allowed.read(["127.0.0.1"]), seconds=SECONDS)
    account = Account(uuid4(), uuid4(), "test", read_config(provider, config))
    return provider.open(account, ProviderServices(MemoryMailbox(), http=http))


def ses(fake: Vendor, **other: str) -> Channel:
    keys = {"access_key_id": aws.ACCESS_KEY, "secret_access_key": aws.SECRET, "region": aws.REGION}
    return opened(SesProvider(), keys | {"endpoint": fake.url} | other)


def of_sendgrid(fake: Vendor, **other: str) -> Channel:
    class Here(SendgridProvider):
        hosts = {"global": fake.url}

    return opened(Here(), {"api_key": sendgrid.API_KEY} | other)


def gmail(fake: Vendor, **other: str) -> Channel:
    class Here(GmailProvider):
        places = Places(f"{fake.url}/consent", f"{fake.url}/token", fake.url)

    assert isinstance(fake, google.FakeGoogle)
    client = {"client_id": google.CLIENT_ID, "client_secret": google.CLIENT_SECRET}
    return opened(Here(), client | {"refresh_token": fake.connect()} | other)


VENDORS: dict[str, tuple[type[Any], Callable[..., Channel]]] = {
    "ses": (aws.FakeSes, ses),
    "sendgrid": (sendgrid.FakeSendgrid, of_sendgrid),
    "gmail": (google.FakeGoogle, gmail),
}


@pytest.fixture(params=list(VENDORS))
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    fake, make = VENDORS[request.param]
    with fake() as vendor:
        made = Way(make(vendor), lambda: vendor.arrived)
        yield made
        made.channel.close()


class TestContract(EmailProviderContract):
    """All three keep what every provider promises."""


def outcome(kind: str, planned: Answer, **other: str) -> Reply:
    """What the channel makes of one answer; afterwards the next message goes through."""
    fake, make = VENDORS[kind]
    with fake() as vendor:
        channel = make(vendor, **other)
        assert transmit(channel).fate is Fate.ACCEPTED  # the token is there, the connection open
        before = len(vendor.asked)
        vendor.planned = [planned]
        reply = transmit(channel)
        assert len(vendor.asked) == before + 1, "a second try is AutoLoop's to make, not the channel's"
        assert transmit(channel).fate is Fate.ACCEPTED
        channel.close()
        return reply


def transmit(channel: Channel) -> Reply:
    return channel.transmit(staged_all(channel, [message()])[0])


ERRORS: list[tuple[str, Answer, Fate, bool, float | None]] = [
    ("ses", aws.aws_error(429, "TooManyRequestsException", "Maximum sending rate exceeded."), Fate.TEMPORARY, True, 1),
    ("ses", aws.aws_error(400, "Throttling", "Daily message quota exceeded."), Fate.TEMPORARY, True, 3600),
    ("ses", aws.aws_error(429, "ThrottlingException", "", **{"Retry-After": "7"}), Fate.TEMPORARY, True, 7),
    ("ses", aws.aws_error(400, "AccountSuspendedException"), Fate.TEMPORARY, True, None),
    ("ses", aws.aws_error(400, "SendingPausedException"), Fate.TEMPORARY, True, None),
    ("ses", aws.aws_error(400, "MailFromDomainNotVerifiedException"), Fate.TEMPORARY, True, None),
    ("ses", aws.aws_error(400, "MessageRejected", "Email address is not verified."), Fate.TEMPORARY, True, None),
    ("ses", aws.aws_error(400, "MessageRejected", "Email address is on the list."), Fate.PERMANENT, False, None),
    ("ses", aws.aws_error(400, "BadRequestException", "Illegal address"), Fate.PERMANENT, False, None),
    ("ses", aws.aws_error(403, "InvalidClientTokenId"), Fate.TEMPORARY, True, None),
    ("ses", aws.aws_error(404, "NotFoundException", "Configuration set"), Fate.TEMPORARY, True, None),
    ("ses", aws.aws_error(500, "InternalServiceErrorException"), Fate.UNKNOWN, False, None),
    ("ses", Answer(503, b"<html>"), Fate.UNKNOWN, False, None),
    ("ses", Answer(hang_up=True), Fate.UNKNOWN, False, None),
    ("sendgrid", json_answer(400, {"errors": [{"message": "Does not contain a valid address.", "field": "to"}]}), Fate.PERMANENT, False, None),
    ("sendgrid", json_answer(401, {"errors": [{"message": "The provided grant is invalid"}]}), Fate.TEMPORARY, True, None),
    ("sendgrid", json_answer(401, {"errors": [{"message": "Maximum credits exceeded"}]}), Fate.TEMPORARY, True, 3600),
    ("sendgrid", json_answer(403, {"errors": [{"message": "The from address does not match"}]}), Fate.TEMPORARY, True, None),
    ("sendgrid", json_answer(413, {"errors": [{"message": "Payload too large"}]}), Fate.PERMANENT, False, None),
    ("sendgrid", json_answer(429, {"errors": []}, **{"Retry-After": "9"}), Fate.TEMPORARY, True, 9),
    ("sendgrid", json_answer(429, {"errors": []}, **{"X-RateLimit-Reset": str(int(time.time()) - 5)}), Fate.TEMPORARY, True, 1),
    ("sendgrid", json_answer(500, {"errors": [{"message": "Internal"}]}), Fate.UNKNOWN, False, None),
    ("sendgrid", Answer(503, b"\xff not JSON"), Fate.UNKNOWN, False, None),
    ("sendgrid", Answer(hang_up=True), Fate.UNKNOWN, False, None),
    ("gmail", google.google_error(400, "invalidArgument", "Invalid To header"), Fate.PERMANENT, False, None),
    ("gmail", google.google_error(400, "failedPrecondition", "Mail service not enabled"), Fate.TEMPORARY, True, None),
    ("gmail", google.google_error(403, "userRateLimitExceeded"), Fate.TEMPORARY, True, 60),
    ("gmail", google.google_error(403, "rateLimitExceeded", **{"Retry-After": "5"}), Fate.TEMPORARY, True, 5),
    ("gmail", google.google_error(429, "rateLimitExceeded", "User-rate limit exceeded.  Retry after 2020-01-01T00:00:00.000Z"), Fate.TEMPORARY, True, 1),
    ("gmail", google.google_error(403, "quotaExceeded"), Fate.TEMPORARY, True, 3600),
    ("gmail", google.google_error(403, "dailyLimitExceeded"), Fate.TEMPORARY, True, 3600),
    ("gmail", google.google_error(403, "domainPolicy"), Fate.TEMPORARY, True, None),
    ("gmail", google.google_error(413, "uploadTooLarge"), Fate.PERMANENT, False, None),
    ("gmail", google.google_error(500, "backendError"), Fate.UNKNOWN, False, None),
    ("gmail", Answer(502, b"<html>"), Fate.UNKNOWN, False, None),
    ("gmail", Answer(hang_up=True), Fate.UNKNOWN, False, None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "planned", "fate", "of_account", "wait"), ERRORS)
def test_what_an_answer_means(
    kind: str, planned: Answer, fate: Fate, of_account: bool, wait: float | None
) -> None:
    reply = outcome(kind, planned)
    assert (reply.fate, reply.of_account, reply.retry_after) == (fate, of_account, wait), reply


@pytest.mark.parametrize("kind", list(VENDORS))
def test_without_a_connection_nothing_was_taken(kind: str) -> None:
    fake, make = VENDORS[kind]
    with fake() as vendor:
        channel = make(vendor)
    results = channel.stage([message()])
    reply = results[0] if isinstance(results[0], Refused) else channel.transmit(results[0])
    assert reply.of_account
    assert not reply.permanent if isinstance(reply, Refused) else reply.fate is Fate.TEMPORARY


@pytest.mark.parametrize("kind", list(VENDORS))
def test_wrong_credentials_are_the_accounts_matter(kind: str) -> None:
    wrong = {
        "ses": {"secret_access_key": "other"},
        "sendgrid": {"api_key": "SG.other"},
        "gmail": {"refresh_token": "1//revoked"},
    }
    fake, make = VENDORS[kind]
    with fake() as vendor:
        channel = make(vendor, **wrong[kind])
        (staged,) = channel.stage([message()])
        reply = staged if isinstance(staged, Refused) else channel.transmit(staged)
        assert reply.of_account
        assert vendor.arrived == []


def test_ses_is_told_the_key_and_the_configuration_set() -> None:
    with aws.FakeSes() as fake:
        channel = ses(fake, configuration_set="events")
        (staged,) = staged_all(channel, [message("ada@example.org")])
        reply = channel.transmit(staged)
        assert reply.provider_id == "0102-0001"
        (mail,) = fake.mails
        assert mail["Destination"] == {"ToAddresses": ["ada@example.org"]}
        assert mail["EmailTags"] == [{"Name": "autoloop-email", "Value": staged.message.key}]
        assert mail["ConfigurationSetName"] == "events"


def test_sendgrid_gets_every_part_of_a_message() -> None:
    data = (
        b'From: =?utf-8?b?w4lkaXRoIFZlcm5l?= <edith@shop.example>\r\nTo: "Lovelace, Ada" <ada@example.org>\r\n'
        b"Reply-To: help@shop.example\r\nSubject: =?utf-8?b?Q2Fmw6k=?=\r\nMessage-ID: <1@shop.example>\r\n"
        b"Date: Mon, 23 Nov 2026 02:00:00 +0000\r\nDKIM-Signature: v=1; b=x\r\nX-AutoLoop-Email: 1\r\n"
        b"List-Unsubscribe: <https://shop.example/t/1>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n'
        b'--m\r\nContent-Type: multipart/alternative; boundary="a"\r\n\r\n'
        b'--a\r\nContent-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
        b'Caf=C3=A9\r\n--a\r\nContent-Type: text/html; charset="utf-8"\r\n\r\n<img src="cid:logo">\r\n--a--\r\n'
        b"--m\r\nContent-Type: image/png\r\nContent-ID: <logo>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBO\r\n"
        b'--m\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="a.pdf"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\nJVBE\r\n--m--\r\n"
    )
    with sendgrid.FakeSendgrid() as fake:
        channel = of_sendgrid(fake)
        given = Message("key-1", "<1@shop.example>", "edith@shop.example", "ada@example.org", data)
        assert channel.transmit(channel.stage([given])[0]).provider_id == "id-1"  # type: ignore[arg-type]
        (mail,) = fake.mails
    assert mail["from"] == {"email": "edith@shop.example", "name": "Édith Verne"}
    assert mail["personalizations"] == [
        {
            "to": [{"email": "ada@example.org", "name": "Lovelace, Ada"}],
            "custom_args": {"autoloop_email": "key-1"},
        }
    ]
    assert (mail["reply_to"], mail["subject"]) == ({"email": "help@shop.example"}, "Café")
    assert [(part["type"], part["value"].strip()) for part in mail["content"]] == [
        ("text/plain", "Café"),
        ("text/html", '<img src="cid:logo">'),
    ]
    assert mail["headers"] == {
        "Message-ID": "<1@shop.example>",
        "X-AutoLoop-Email": "1",
        "List-Unsubscribe": "<https://shop.example/t/1>",
    }
    logo, pdf = mail["attachments"]
    assert (logo["disposition"], logo["content_id"], logo["content"]) == ("inline", "logo", "iVBO")
    assert (pdf["disposition"], pdf["filename"], pdf["content"]) == ("attachment", "a.pdf", "JVBE")
    assert not any(each["enable"] for each in mail["tracking_settings"].values())


def test_gmail_renews_a_token_once_and_keeps_it() -> None:
    with google.FakeGoogle() as fake:
        channel = gmail(fake)
        assert transmit(channel).fate is Fate.ACCEPTED
        assert transmit(channel).fate is Fate.ACCEPTED
        assert [asked.path for asked in fake.asked].count("/token") == 1
        fake.forget_access()
        assert transmit(channel).fate is Fate.ACCEPTED
        assert [asked.path for asked in fake.asked].count("/token") == 2
        again = google.google_error(401, "authError")
        fake.planned = [again, fake.answer, again]
        reply = transmit(channel)
        assert (reply.fate, reply.of_account) == (Fate.TEMPORARY, True)
        assert len(fake.sent) == 3


def test_gmail_renews_a_token_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(oauth, "time", SimpleNamespace(monotonic=lambda: now))
    with google.FakeGoogle() as fake:
        channel = gmail(fake)
        for now, tokens in ((1000.0, 1), (1000.0 + 3500, 1), (1000.0 + 3550, 2)):  # noqa: B007
            assert transmit(channel).fate is Fate.ACCEPTED
            assert [asked.path for asked in fake.asked].count("/token") == tokens


def test_gmail_without_a_consent_begins_nothing() -> None:
    with google.FakeGoogle() as fake:
        (refused,) = gmail(fake, refresh_token="").stage([message()])
        assert isinstance(refused, Refused)
        assert (refused.permanent, refused.of_account) == (False, True)
        assert fake.asked == []


def test_gmail_finds_what_it_sent_by_our_header() -> None:
    """Not by the Message-ID: Gmail writes its own."""

    def marked(key: str) -> Message:
        head = f"X-AutoLoop-Email: {key}\r\nMessage-ID: <{key}@test>\r\nSubject: Hi\r\n\r\n".encode()
        return Message(key, f"<{key}@test>", "me@example.com", "ada@example.org", head + b"Hello\r\n")

    with google.FakeGoogle() as fake:
        channel = gmail(fake)
        mails = [marked(f"mail-{n}") for n in range(120)]
        sent, lost = mails[:-1], mails[-1]
        for staged in channel.stage(sent):
            channel.transmit(staged)  # type: ignore[arg-type]
        found = channel.look_up("mail-3")
        assert found is not None
        assert (found.fate, found.provider_id) == (Fate.ACCEPTED, fake.sent[3][0])
        asked = len(fake.asked)
        assert channel.look_up(lost.key) is None
        assert len(fake.asked) < asked + 10, "what was looked at is not fetched again"
        fake.planned = [google.google_error(500, "backendError")]
        assert channel.look_up("mail-3") is None


def test_gmail_has_no_webhook() -> None:
    config = {"client_id": google.CLIENT_ID, "client_secret": google.CLIENT_SECRET}
    account = Account(uuid4(), uuid4(), "test", read_config(GmailProvider(), config))
    assert not GmailProvider().takes_events(account)
