"""Whole ways out over HTTP: accounts made through the API, mail composed and sent, the unknown settled."""

from __future__ import annotations

import json
from email import message_from_bytes
from typing import Any

import httpx
import pytest
from webtest import TestApp

from autoloop.base.runtime import Runtime
from autoloop.mail.delivery import channels
from autoloop.mail.delivery.lookups import look_up_unknown
from autoloop_plugins.email.gmail import GmailProvider
from autoloop_plugins.email.gmail.oauth import Places
from autoloop_plugins.email.resend import ResendProvider
from autoloop_plugins.email.sendgrid import SendgridProvider
from tests.browser.seed import work
from tests.factories import Client, Tenant
from tests.functional.mail_world import MailWorld, drain
from tests.vendors import aws, google, json_apis, sendgrid
from tests.vendors.server import Answer, Asked


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


def leave_by(api: Client, provider: str, config: dict[str, Any]) -> None:
    """Make the account the one that mail leaves through."""
    made = api.post("providers", {"name": provider, "provider": provider, "config": config}).json["data"]
    assert not set(config) & {"secret_access_key", "api_key", "refresh_token"} & set(made["config"])
    api.patch(f"providers/{made['id']}", {"is_default": True})


def test_mail_leaves_through_ses(world: MailWorld, api: Client) -> None:
    with aws.FakeSes() as fake:
        config = {"access_key_id": aws.ACCESS_KEY, "secret_access_key": aws.SECRET, "region": aws.REGION}
        leave_by(api, "ses", config | {"endpoint": fake.url})
        ids = world.intend(5)
        drain(world.runtime)
        assert {row.status for row in world.rows(*ids)} == {"accepted"}
        assert {mail["EmailTags"][0]["Value"] for mail in fake.mails} == {str(id) for id in ids}
        assert {message_from_bytes(data)["X-AutoLoop-Email"] for data in fake.arrived} == set(map(str, ids))
        fake.planned = [aws.aws_error(400, "SendingPausedException", "Sending is paused")]
        (held,) = world.intend()
        drain(world.runtime)
        assert [row.status for row in world.rows(held)] == ["intent"], "the recipient has done nothing wrong"
        assert "Sending is paused" in str(api.data("providers"))


def test_mail_leaves_through_sendgrid(world: MailWorld, api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with sendgrid.FakeSendgrid() as fake:
        monkeypatch.setattr(SendgridProvider, "hosts", {"global": fake.url})
        leave_by(api, "sendgrid", {"api_key": sendgrid.API_KEY})
        content = {"subject": "Café", "text": "Hello\n", "html": "<p>Hello</p>"}
        (id,) = world.intend(content=content, to_address="ada@example.org")
        drain(world.runtime)
        assert [row.status for row in world.rows(id)] == ["accepted"]
        (mail,) = fake.mails
        assert mail["personalizations"][0]["custom_args"] == {"autoloop_email": str(id)}
        assert (mail["subject"], [part["type"] for part in mail["content"]]) == (
            "Café",
            ["text/plain", "text/html"],
        )


def test_what_gmail_did_not_answer_is_found_among_its_sent_mail(
    world: MailWorld, api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with google.FakeGoogle() as fake:
        places = Places(f"{fake.url}/consent", f"{fake.url}/token", fake.url)
        monkeypatch.setattr(GmailProvider, "places", places)
        config = {"client_id": google.CLIENT_ID, "client_secret": google.CLIENT_SECRET}
        leave_by(api, "gmail", config | {"refresh_token": fake.connect()})

        def swallow(asked: Asked) -> Answer:
            """It is sent, and the line breaks before the answer."""
            fake.answer(asked)
            return Answer(hang_up=True)

        (first,) = world.intend()
        drain(world.runtime)
        fake.planned = [swallow]
        (taken,) = world.intend()
        drain(world.runtime)
        fake.planned = [Answer(hang_up=True)]
        (lost,) = world.intend()
        drain(world.runtime)
        assert [row.status for row in world.rows(first, taken, lost)] == ["accepted", "unknown", "unknown"]
        world.sql("update email_logs set look_up_at = now() where workspace_id = :w and status = 'unknown'")
        assert look_up_unknown(world.runtime) == 2
        assert [row.status for row in world.rows(first, taken, lost)] == ["accepted", "accepted", "unknown"]
        assert len(fake.sent) == 2


def test_what_sendgrid_and_sns_tell_settles_mail(
    world: MailWorld, api: Client, wsgi: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, sns = sendgrid.EventWebhook(), aws.FakeSns()
    outside = httpx.Client(
        transport=httpx.MockTransport(lambda request: httpx.Response(200, content=sns.certificate))
    )
    monkeypatch.setattr(channels, "outbound", lambda runtime: outside)
    keys = {"access_key_id": aws.ACCESS_KEY, "secret_access_key": aws.SECRET, "region": aws.REGION}
    configs = {
        "sendgrid": {"api_key": sendgrid.API_KEY, "verification_key": hook.public},
        "ses": keys | {"topic_arn": aws.TOPIC},
    }
    doors = {}
    for provider, config in configs.items():
        made = api.post("providers", {"name": provider, "provider": provider, "config": config}).json["data"]
        doors[provider] = f"/inbound/{provider}/{made['id']}"
    by_sendgrid, by_ses = (
        world.intend(to_address=f"{name}@example.org", status="unknown", attempts=1)[0] for name in ("a", "b")
    )
    body = json.dumps(
        [{"event": "delivered", "sg_event_id": "e1", "autoloop_email": str(by_sendgrid)}]
    ).encode()
    bounce = {"bounceType": "Permanent", "bouncedRecipients": [{"diagnosticCode": "smtp; 550 5.1.1 unknown"}]}
    mail = {"messageId": "m1", "tags": {"autoloop-email": [str(by_ses)]}}
    notice = sns.message({"eventType": "Bounce", "mail": mail, "bounce": bounce})
    app = TestApp(wsgi, extra_environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"})
    for _ in range(2):
        app.post(doors["sendgrid"], body, headers=hook.headers(body))
        app.post(doors["ses"], notice, headers={"Content-Type": "text/plain; charset=UTF-8"})
    work(world.runtime)
    assert [row.status for row in world.rows(by_sendgrid, by_ses)] == ["delivered", "bounced"]
    assert [row["address"] for row in api.data("suppressions")] == ["b@example.org"]
    app.post(doors["sendgrid"], body + b" ", headers=hook.headers(body), status=401)
    app.post(doors["ses"], notice.replace(b"Permanent", b"Transient"), status=401)
    app.post(doors["ses"].replace("ses", "gmail"), notice, status=404)


def test_what_resend_may_have_taken_is_settled_by_its_key_while_it_knows_it(
    world: MailWorld, api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look() -> None:
        world.sql("update email_logs set look_up_at = now() where workspace_id = :w and status = 'unknown'")
        look_up_unknown(world.runtime)

    with json_apis.FakeResend() as fake:
        monkeypatch.setattr(ResendProvider, "host", fake.url)
        leave_by(api, "resend", {"api_key": json_apis.KEY})
        fake.planned = [Answer(hang_up=True), Answer(500, b"{}")]
        ids = world.intend(2)
        drain(world.runtime)
        assert {row.status for row in world.rows(*ids)} == {"unknown"}
        look()
        drain(world.runtime)
        assert {row.status for row in world.rows(*ids)} == {"accepted"}

        # One waits, say for its sender, until Resend has forgotten its key.
        fake.planned = [Answer(hang_up=True)]
        (late,) = world.intend()
        drain(world.runtime)
        look()
        world.sql(
            "update email_attempts set marked_at = now() - interval '24 hours' where email_id = :id", id=late
        )
        asked = len(fake.asked)
        drain(world.runtime)
        (row,) = world.rows(late)
        assert (row.status, len(fake.asked)) == ("unknown", asked), "never silently sent twice"
        for _ in range(9):
            look()
            world.sql("update email_logs set due_at = now() where workspace_id = :w and status = 'intent'")
            drain(world.runtime)
        (row,) = world.rows(late)
        assert (row.status, row.look_up_at, len(fake.asked)) == ("unknown", None, asked), (
            "and it comes to an end"
        )
        assert len(fake.mails) == 2
