"""What SES tells through SNS: verified by SNS's certificate; and what is not believed."""

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
from autoloop_plugins.email.ses import SesProvider
from tests.vendors.aws import ACCESS_KEY, REGION, SECRET, TOPIC, FakeSns

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


@pytest.fixture
def webhook() -> Webhook:
    return of_ses()


class TestEvents(EventsContract):
    """It keeps what every provider with a webhook promises."""


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


@pytest.mark.parametrize(
    "bad",
    [{"region": "eu-west-1/../x"}, {"topic_arn": "arn:aws:s3:eu-west-1:123456789012:x"}, {"topic_arn": "x"},
     {"endpoint": "ftp://x"}, {"endpoint": "https://a@b"}, {"endpoint": "https://b/x?y"}],
)  # fmt: skip
def test_settings_of_ses_that_lead_elsewhere_are_refused(bad: dict[str, str]) -> None:
    with pytest.raises(ConfigProblems):
        read_config(SesProvider(), SES | bad)
