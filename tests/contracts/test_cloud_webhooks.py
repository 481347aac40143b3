"""What SES (through SNS) and SendGrid tell, verified as each of them signs, and what is not believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from autoloop.plugins.email import Account, EmailProvider, ProviderServices
from autoloop.plugins.email_events import EventKind, IncomingCall, ProviderEvent, Unreadable, Unverified
from autoloop.plugins.forms import ConfigProblems, read_config
from autoloop.plugins.testing.email import EventsContract, MemoryMailbox, Webhook
from autoloop_plugins.email.gmail import GmailProvider
from autoloop_plugins.email.sendgrid import SendgridProvider
from autoloop_plugins.email.ses import SesProvider
from tests.vendors.aws import ACCESS_KEY, REGION, SECRET, TOPIC, FakeSns
from tests.vendors.sendgrid import API_KEY, EventWebhook

KEY = str(uuid4())
SES = {"region": REGION, "access_key_id": ACCESS_KEY, "secret_access_key": SECRET}
MAIL = {
    "timestamp": "2026-11-23T02:00:00.000Z",
    "messageId": "0102-abc",
    "destination": ["ada@example.org"],
    "tags": {"autoloop-email": [KEY], "ses:caller-identity": ["mailer"]},
}


def account(provider: EmailProvider, config: dict[str, Any]) -> Account:
    return Account(uuid4(), uuid4(), "test", read_config(provider, config))


class Outside:
    """What SNS serves: certificates and confirmations; keeps which addresses were asked for."""

    def __init__(self, *topics: FakeSns) -> None:
        self.certificates = {topic.url: topic.certificate for topic in topics}
        self.asked: list[str] = []
        http = httpx.Client(transport=httpx.MockTransport(self._answer))
        self.services = ProviderServices(MemoryMailbox(), http=http)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        found = self.certificates.get(str(request.url))
        if found is not None:
            return httpx.Response(200, content=found)
        return httpx.Response(200 if "Action=ConfirmSubscription" in str(request.url) else 404)


def from_sns(
    body: bytes, outside: Outside, topic: str = TOPIC, after: timedelta = timedelta()
) -> list[ProviderEvent]:
    provider = SesProvider()
    call = IncomingCall({}, body, datetime.now(UTC) + after)
    return list(provider.receive(account(provider, SES | {"topic_arn": topic}), outside.services, call))


def of_ses() -> Webhook:
    sns, other = FakeSns(), FakeSns()
    other.url = sns.url  # it says that its certificate is ours
    provider, mail = SesProvider(), MAIL | {"tags": {"autoloop-email": ["key-1"]}}
    told = {"eventType": "Delivery", "mail": mail, "delivery": {}}
    return Webhook(
        provider,
        account(provider, SES | {"topic_arn": TOPIC}),
        account(provider, SES),
        call=lambda: ({}, sns.message(told)),
        forged=lambda: ({}, other.message(told)),
        old=lambda: ({}, sns.message(told, Timestamp="2026-01-01T00:00:00.000Z")),
        services=Outside(sns).services,
    )


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


@pytest.fixture(params=[of_ses, of_sendgrid], ids=["ses", "sendgrid"])
def webhook(request: pytest.FixtureRequest) -> Webhook:
    made: Webhook = request.param()
    return made


class TestEvents(EventsContract):
    """Both keep what every provider with a webhook promises."""


@pytest.mark.parametrize("version", ["1", "2"])
def test_sns_is_believed_by_its_certificate_which_is_fetched_once(version: str) -> None:
    sns = FakeSns()
    outside = Outside(sns)
    told = {"eventType": "Delivery", "mail": MAIL, "delivery": {"smtpResponse": "250 2.0.0 OK"}}
    for _ in range(2):
        (event,) = from_sns(sns.message(told, version=version, Subject="Amazon SES"), outside)
    assert outside.asked == [sns.url]
    assert event == ProviderEvent(
        EventKind.DELIVERED,
        id="22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        key=KEY,
        provider_id="0102-abc",
        recipient="ada@example.org",
        at=datetime(2026, 11, 23, 2, tzinfo=UTC),
        detail="250 2.0.0 OK",
    )


def changed(sns: FakeSns, **fields: Any) -> bytes:
    """A message that was signed, and then changed."""
    given = json.loads(sns.message({"eventType": "Delivery", "mail": MAIL})) | fields
    return json.dumps({name: value for name, value in given.items() if value is not None}).encode()


FORGED: dict[str, Callable[[FakeSns], bytes]] = {
    "another text": lambda sns: changed(sns, Message='{"eventType": "Bounce"}'),
    "another time": lambda sns: changed(sns, Timestamp="2026-11-23T02:00:00.000Z"),
    "a subject that was not signed": lambda sns: changed(sns, Subject="x"),
    "no signature": lambda sns: changed(sns, Signature=None),
    "signature of no base64": lambda sns: changed(sns, Signature="%%%"),
    "unknown version": lambda sns: sns.message({}, version="3"),
    "version as a number": lambda sns: changed(sns, SignatureVersion=2),
    "another version than signed": lambda sns: changed(sns, SignatureVersion="1"),
    "unknown type": lambda sns: changed(sns, Type="Other"),
    "a missing field": lambda sns: changed(sns, MessageId=None),
    "a field that is no text": lambda sns: changed(sns, Message={"eventType": "Bounce"}),
    "another topic, rightly signed": lambda sns: sns.message({}, TopicArn=TOPIC + "-other"),
    "too old, rightly signed": lambda sns: sns.message({}, Timestamp="2020-01-01T00:00:00.000Z"),
    "no time, rightly signed": lambda sns: sns.message({}, Timestamp="soon"),
    "a list": lambda sns: b"[]",
    "no JSON": lambda sns: b"\xff{",
    "empty": lambda sns: b"",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_what_sns_did_not_sign_is_not_believed(forge: Callable[[FakeSns], bytes]) -> None:
    sns = FakeSns()
    with pytest.raises((Unverified, Unreadable)):
        from_sns(forge(sns), Outside(sns))


@pytest.mark.parametrize(
    "url",
    [
        f"http://sns.{REGION}.amazonaws.com/a.pem",
        f"https://sns.{REGION}.amazonaws.com.evil.example/a.pem",
        f"https://sns.{REGION}.amazonaws.com@evil.example/a.pem",
        f"https://sns.{REGION}.amazonaws.com:444/a.pem",
        f"https://evil.example/sns.{REGION}.amazonaws.com/a.pem",
        f"https://s3.{REGION}.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com/a.pem",
        f"https://sns.{REGION}.amazonaws.com/../x/a.pem",
        f"https://sns.{REGION}.amazonaws.com/a.pem?x",
        f"https://sns.{REGION}.amazonaws.com/a.pem\n",
        f"https://snsx{REGION}.amazonaws.com/a.pem",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_not_even_fetched(url: str) -> None:
    sns = FakeSns()
    sns.url = url
    outside = Outside(sns)
    with pytest.raises(Unverified):
        from_sns(sns.message({"eventType": "Delivery", "mail": MAIL}), outside)
    assert outside.asked == []


def test_a_certificate_that_ended_is_worth_nothing() -> None:
    sns = FakeSns(days=-1)
    with pytest.raises(Unverified):
        from_sns(sns.message({"eventType": "Delivery", "mail": MAIL}), Outside(sns))


def test_a_subscription_is_confirmed_where_sns_is_and_nowhere_else() -> None:
    sns = FakeSns()
    outside = Outside(sns)
    assert (
        from_sns(sns.message("You have chosen to subscribe", kind="SubscriptionConfirmation"), outside) == []
    )
    assert outside.asked[-1].startswith(f"https://sns.{REGION}.amazonaws.com/?Action=ConfirmSubscription")
    before = list(outside.asked)
    for url in (
        "https://evil.example/?Action=ConfirmSubscription",
        f"https://sns.{REGION}.amazonaws.com@x/?a",
    ):
        with pytest.raises(Unverified):
            from_sns(sns.message("x", kind="SubscriptionConfirmation", SubscribeURL=url), outside)
    unsigned = json.loads(sns.message("x", kind="SubscriptionConfirmation")) | {"Token": "other"}
    with pytest.raises(Unverified):
        from_sns(json.dumps(unsigned).encode(), outside)
    assert outside.asked == before


@pytest.mark.parametrize(
    ("told", "kind", "permanent", "detail"),
    [
        (
            {
                "eventType": "Bounce",
                "bounce": {
                    "bounceType": "Permanent",
                    "bouncedRecipients": [{"emailAddress": "a@b.example", "diagnosticCode": "smtp; 550 5.1.1"}],
                },
            },
            EventKind.BOUNCED, True, "smtp; 550 5.1.1",
        ),
        ({"notificationType": "Bounce", "bounce": {"bounceType": "Transient", "bounceSubType": "MailboxFull"}}, EventKind.BOUNCED, False, "MailboxFull"),
        ({"eventType": "Bounce", "bounce": {"bounceType": "Undetermined"}}, EventKind.BOUNCED, False, ""),
        ({"eventType": "Complaint", "complaint": {"complaintFeedbackType": "abuse"}}, EventKind.COMPLAINED, True, "abuse"),
        ({"eventType": "Reject", "reject": {"reason": "Bad content"}}, EventKind.REJECTED, True, "Bad content"),
        ({"eventType": "Send", "send": {}}, EventKind.ACCEPTED, True, ""),
        ({"eventType": "DeliveryDelay", "deliveryDelay": {"delayType": "MailboxFull"}}, EventKind.DEFERRED, True, "MailboxFull"),
        ({"eventType": "Open", "open": {"userAgent": "x"}}, EventKind.OPENED, True, ""),
        ({"eventType": "Click", "click": {"link": "https://shop.example/"}}, EventKind.CLICKED, True, ""),
    ],
)  # fmt: skip
def test_events_of_ses(told: dict[str, Any], kind: EventKind, permanent: bool, detail: str) -> None:
    sns = FakeSns()
    (event,) = from_sns(sns.message(told | {"mail": MAIL}), Outside(sns))
    assert (event.kind, event.permanent, event.detail, event.key) == (kind, permanent, detail, KEY)
    assert event.url == ("https://shop.example/" if kind is EventKind.CLICKED else None)


@pytest.mark.parametrize(
    "told",
    ["plain text", "[]", {}, {"eventType": "Delivery"}, {"eventType": ["Bounce"], "mail": {}}, {"eventType": "Rendering Failure", "mail": MAIL}, {"notificationType": "AmazonSnsSubscriptionSucceeded"}],
)  # fmt: skip
def test_what_else_stands_on_the_topic_is_passed_over(told: Any) -> None:
    sns = FakeSns()
    assert from_sns(sns.message(told), Outside(sns)) == []


def test_a_notification_without_tags_names_the_mail_by_our_header() -> None:
    sns = FakeSns()
    mail = {"messageId": "x", "headers": [{"name": "X-AutoLoop-Email", "value": KEY}, "odd"], "tags": []}
    odd = {"bouncedRecipients": "x", "timestamp": "now", "bounceType": 1}
    (event,) = from_sns(sns.message({"eventType": "Bounce", "mail": mail, "bounce": odd}), Outside(sns))
    assert (event.key, event.at, event.permanent) == (KEY, None, False)


# -- SendGrid


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


def test_no_secret_no_webhook() -> None:
    assert not SesProvider().takes_events(account(SesProvider(), SES))
    assert SesProvider().takes_events(account(SesProvider(), SES | {"topic_arn": TOPIC}))
    assert not SendgridProvider().takes_events(account(SendgridProvider(), {"api_key": API_KEY}))
    gmail = account(GmailProvider(), {"client_id": "x", "client_secret": "y"})
    assert not GmailProvider().takes_events(gmail)


@pytest.mark.parametrize("key", ["x", "AAAA", FakeSns().certificate.decode()])
def test_a_verification_key_that_is_none_is_refused_at_once(key: str) -> None:
    with pytest.raises(ConfigProblems):
        read_config(SendgridProvider(), {"api_key": API_KEY, "verification_key": key})


@pytest.mark.parametrize(
    "bad",
    [{"region": "eu-west-1/../x"}, {"topic_arn": "arn:aws:s3:eu-west-1:123456789012:x"}, {"topic_arn": "x"},
     {"endpoint": "ftp://x"}, {"endpoint": "https://a@b"}, {"endpoint": "https://b/x?y"}],
)  # fmt: skip
def test_settings_of_ses_that_lead_elsewhere_are_refused(bad: dict[str, str]) -> None:
    with pytest.raises(ConfigProblems):
        read_config(SesProvider(), SES | bad)
