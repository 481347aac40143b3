"""Genuine calls of vendors whose events hold anything: a 4xx or taken, never an error, and routing goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from webtest import TestApp

from autoloop.base.runtime import Runtime
from tests.browser.seed import work
from tests.factories import Client, Tenant
from tests.functional.mail_world import MailWorld
from tests.vendors import json_apis as fakes
from tests.vendors.sendgrid import API_KEY, EventWebhook

Sign = Callable[[Any], fakes.Call]
HOOK = EventWebhook()
VALUES: tuple[Any, ...] = (
    None, True, -1, 0.5, 10**30, "", "\x00", "\r\nX: y", "x" * 65_536, "\u202e", [], {}, [[]], {"": None},
    "9999-99-99T99:99:99Z", "javascript:alert(1)", "0190c0de-0000-7000-8000-000000000000",
)  # fmt: skip


def sendgrid_call(events: Any) -> fakes.Call:
    body = json.dumps(events).encode()
    return HOOK.headers(body), body


VENDORS: dict[str, tuple[dict[str, Any], Sign, Callable[[str], Any]]] = {
    "mailgun": (
        {"api_key": "key", "domain": "mg.example.com", "webhook_signing_key": fakes.SIGNING_KEY},
        fakes.mailgun_call,
        lambda key: {
            "id": "e1",
            "event": "failed",
            "severity": "permanent",
            "timestamp": time.time(),
            "recipient": "ada@example.org",
            "reason": "bounce",
            "url": "https://example.org",
            "delivery-status": {"message": "550 no", "description": "no"},
            "message": {"headers": {"message-id": "m1@example.org"}},
            "user-variables": {"autoloop-email": key},
        },
    ),
    "postmark": (
        {"server_token": "token", "webhook_password": fakes.PASSWORD},
        fakes.postmark_call,
        lambda key: {
            "RecordType": "Bounce",
            "Type": "HardBounce",
            "ID": 7,
            "MessageID": "m1",
            "Metadata": {"autoloop_email": key},
            "Email": "ada@example.org",
            "BouncedAt": "2026-11-23T02:00:00Z",
            "Description": "no",
        },
    ),
    "resend": (
        {"api_key": "re_key", "webhook_secret": fakes.SVIX},
        fakes.resend_call,
        lambda key: {
            "type": "email.bounced",
            "created_at": "2026-11-23T02:00:00.000Z",
            "data": {
                "email_id": "m1",
                "to": ["ada@example.org"],
                "tags": {"autoloop_email": key},
                "bounce": {"type": "Permanent", "message": "no"},
            },
        },
    ),
    "sendgrid": (
        {"api_key": API_KEY, "verification_key": HOOK.public},
        sendgrid_call,
        lambda key: [
            {
                "event": "bounce",
                "sg_event_id": "e1",
                "sg_message_id": "m1.x",
                "autoloop_email": key,
                "email": "ada@example.org",
                "timestamp": 1_795_000_000,
                "type": "bounce",
                "reason": "550 no",
                "smtp-id": "<m1@example.org>",
            }
        ],
    ),
}


def spoilt(event: Any) -> Iterator[Any]:
    """The event with each of its values, at any depth, in turn replaced by each of VALUES."""
    if isinstance(event, dict):
        for key, value in event.items():
            yield from ({**event, key: other} for other in (*VALUES, *spoilt(value)))
    elif isinstance(event, list):
        for place, value in enumerate(event):
            yield from ([*event[:place], other, *event[place + 1 :]] for other in (*VALUES, *spoilt(value)))


@pytest.mark.parametrize("vendor", VENDORS)
def test_events_that_hold_anything(
    wsgi: object, runtime: Runtime, tenant: Tenant, api: Client, vendor: str
) -> None:
    mail = MailWorld(runtime, tenant)
    config, sign, event = VENDORS[vendor]
    account = api.post("providers", {"name": vendor, "provider": vendor, "config": config}).json["data"]
    path = account["webhook_url"].removeprefix("http://localhost")
    app = TestApp(wsgi, extra_environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"})
    (id,) = mail.intend(status="accepted", attempts=1)
    answers: dict[int, int] = {}
    for whole in (*spoilt(event(str(id))), *VALUES):
        headers, body = sign(whole)
        answer = app.post(path, body, headers=headers, expect_errors=True)
        assert answer.status_int in (200, 400, 401), (whole, answer.text[:500])
        answers[answer.status_int] = answers.get(answer.status_int, 0) + 1
    assert answers[200] > 20, "most of it is taken, or passed over"
    work(runtime)
    assert [row.status for row in mail.rows(id)] == ["bounced"]
