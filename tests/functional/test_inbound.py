"""Providers' webhooks: what they tell settles emails and suppresses addresses, each event once."""

from __future__ import annotations

import time
from typing import Any

import pytest
from webtest import TestApp

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from tests.browser.seed import work
from tests.factories import Client
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld
from tests.vendors import json_apis as fakes

CONFIG = {"api_key": "key", "domain": "mg.example.com", "webhook_signing_key": fakes.SIGNING_KEY}


@pytest.fixture
def mail(runtime: Runtime, tenant: Any) -> MailWorld:
    return MailWorld(runtime, tenant)


@pytest.fixture
def mailgun(api: Client, mail: MailWorld) -> dict[str, Any]:
    """A Mailgun account whose webhook is on."""
    given = {"name": "Mailgun", "provider": "mailgun", "config": CONFIG}
    return api.post("providers", given).json["data"]


def post(wsgi: object, url: str, call: fakes.Call, status: int = 200) -> Any:
    app = TestApp(wsgi, extra_environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"})
    headers, body = call
    answer = app.post(url.removeprefix("http://localhost"), body, headers=headers, expect_errors=True)
    assert answer.status_int == status, answer.text[:500]
    assert "Set-Cookie" not in answer.headers
    return answer.json if answer.content_type == "application/json" else None


def told(email: Any, event: str, id: str, **more: Any) -> fakes.Call:
    base = {
        "id": id,
        "event": event,
        "timestamp": time.time(),
        "user-variables": {"autoloop-email": str(email)},
    }
    return fakes.mailgun_call(base | more)


def sent(mail: MailWorld, status: str, address: str = "ada@example.org") -> Any:
    (id,) = mail.intend(to_address=address, status=status, contact_id=mail.contact(address), attempts=1)
    return id


def status_of(mail: MailWorld, id: Any) -> str:
    return mail.rows(id)[0].status


@pytest.mark.parametrize("before", ["sending", "unknown", "accepted"])
def test_events_move_an_email_on_from_wherever_it_stands(wsgi, runtime, mail, mailgun, before) -> None:
    id, url = sent(mail, before), mailgun["webhook_url"]
    assert post(wsgi, url, told(id, "delivered", "e1"))["data"] == {"events": 1, "new": 1}
    work(runtime)
    assert status_of(mail, id) == "delivered"
    post(wsgi, url, told(id, "complained", "e2"))
    work(runtime)
    assert status_of(mail, id) == "complained"


def test_acceptance_is_news_only_where_it_is_not_known(wsgi, runtime, mail, mailgun) -> None:
    lost, known = sent(mail, "unknown", "lost@example.org"), sent(mail, "accepted", "known@example.org")
    assert post(wsgi, mailgun["webhook_url"], told(lost, "accepted", "a1"))["data"]["new"] == 1
    assert post(wsgi, mailgun["webhook_url"], told(known, "accepted", "a2"))["data"]["new"] == 0
    work(runtime)
    assert status_of(mail, lost) == "accepted"


def test_a_hard_bounce_suppresses_and_others_do_not(wsgi, runtime, api, mail, mailgun) -> None:
    cases = {
        "hard@example.org": {"severity": "permanent", "reason": "bounce"},
        "soft@example.org": {"severity": "temporary"},
        "unsent@example.org": {"severity": "permanent", "reason": "suppress-bounce"},
    }
    ids = {address: sent(mail, "accepted", address) for address in cases}
    for address, more in cases.items():
        post(wsgi, mailgun["webhook_url"], told(ids[address], "failed", address, **more))
    work(runtime)
    assert [status_of(mail, ids[address]) for address in cases] == ["bounced", "accepted", "bounced"]
    assert [(row["address"], row["reason"]) for row in api.data("suppressions")] == [
        ("hard@example.org", "bounced")
    ]


def test_replays_have_no_second_effect(wsgi, mail, mailgun) -> None:
    id, url = sent(mail, "accepted"), mailgun["webhook_url"]
    call = told(id, "opened", "o1")
    assert post(wsgi, url, call)["data"]["new"] == 1
    assert post(wsgi, url, call)["data"]["new"] == 0
    # The same event, signed anew; and another event under a signature that was used.
    assert post(wsgi, url, told(id, "opened", "o1"))["data"]["new"] == 0
    assert post(wsgi, url, (call[0], call[1].replace(b'"o1"', b'"o2"')))["data"]["new"] == 0
    assert len(mail.sql("select 1 from events where workspace_id = :w and name = 'email.opened'")) == 1


def test_events_carry_what_they_are_about(wsgi, mail, mailgun) -> None:
    contact = mail.contact("bo@example.org")
    workflow, run = mail.run(contact)
    (id,) = mail.intend(
        status="accepted", contact_id=contact, run_id=run, workflow_id=workflow, node="s", visit=0
    )
    post(wsgi, mailgun["webhook_url"], told(id, "clicked", "c1", url="https://x.example/"))
    ((event,),) = mail.sql(
        "select to_jsonb(e) from events e where workspace_id = :w and name = 'email.clicked'"
    )
    assert event["contact_id"] == str(contact)
    wanted = {"email_id": str(id), "run_id": str(run), "workflow_id": str(workflow), "node": "s"}
    assert event["data"] == wanted | {"provider": "mailgun", "url": "https://x.example/"}


def test_mail_of_others_is_passed_over(wsgi, mail, mailgun) -> None:
    for named in (new_id(), "no id", "", "\x00"):
        answer = post(wsgi, mailgun["webhook_url"], told(named, "delivered", f"x{named}"))
        assert answer["data"] == {"events": 1, "new": 0}


def test_the_account_tells_its_address_and_its_last_event(wsgi, api, mail, mailgun) -> None:
    assert mailgun["webhook_url"] == f"http://localhost/inbound/mailgun/{mailgun['id']}"
    assert mailgun["last_event_at"] is None
    post(wsgi, mailgun["webhook_url"], told(new_id(), "delivered", "any"))
    assert api.data(f"providers/{mailgun['id']}")["last_event_at"]
    assert api.data(f"providers/{mail.account_id}")["webhook_url"] is None


def test_closed_doors(wsgi, api, mail, mailgun) -> None:
    call, id = told(new_id(), "delivered", "z"), mailgun["id"]
    given = {"name": "Off", "provider": "mailgun", "config": CONFIG | {"webhook_signing_key": ""}}
    off = api.post("providers", given).json["data"]["webhook_url"]
    for url in (
        off,
        f"/inbound/mailgun/{new_id()}",
        f"/inbound/resend/{id}",
        "/inbound/mailgun/x",
        "/inbound/none/x",
    ):
        post(wsgi, url, call, 404)
    wrong = fakes.mailgun_call({"event": "delivered"}, key="other")
    assert post(wsgi, mailgun["webhook_url"], wrong, 401)["code"] == "BAD_SIGNATURE"
    old = fakes.mailgun_call({"event": "delivered"}, at=time.time() - 86_400)
    post(wsgi, mailgun["webhook_url"], old, 401)
    post(wsgi, mailgun["webhook_url"], ({}, b"not JSON"), 400)
    post(wsgi, mailgun["webhook_url"], ({}, b"x" * 10_000_001), 413)
    assert not mail.sql("select 1 from events where workspace_id = :w and name like 'email.%'")


def test_events_of_an_account_whose_secrets_cannot_be_opened_are_told_again_later(
    wsgi, mail, mailgun
) -> None:
    mail.sql("update provider_accounts set secrets = 'x' where id = :id", id=mailgun["id"])
    id = sent(mail, "accepted")
    refused = post(wsgi, mailgun["webhook_url"], told(id, "delivered", "e1"), status=503)
    assert refused["success"] is False and refused["code"] == "UNAVAILABLE"


def test_a_key_twice_in_json_counts_as_the_last(wsgi, mail, mailgun) -> None:
    id = sent(mail, "accepted")
    headers, body = told(id, "delivered", "d1")
    twice = body.replace(b'"event-data": {', b'"event-data": {"event": "complained", ')
    assert post(wsgi, mailgun["webhook_url"], (headers, twice))["data"]["new"] == 1
    assert mail.sql("select name from events where workspace_id = :w and name like 'email.%'") == [
        ("email.delivered",)
    ]


def test_a_flood_of_events_is_bounded(wsgi, mail, mailgun, monkeypatch) -> None:
    """As many as may come in one call are taken at once; one more is refused and nothing is kept."""
    from autoloop.mail.inbound import views
    from autoloop.plugins.email import EventKind, ProviderEvent
    from autoloop_plugins.email.mailgun import MailgunProvider

    ids = mail.intend(views.MOST_EVENTS, status="accepted")
    told_now = [ProviderEvent(EventKind.OPENED, f"flood-{n}", key=str(id)) for n, id in enumerate(ids)]
    one_more = ProviderEvent(EventKind.OPENED, "one more", key=str(ids[0]))
    url, call = mailgun["webhook_url"], ({}, b"{}")
    monkeypatch.setattr(MailgunProvider, "receive", lambda *_: [*told_now, one_more])
    assert post(wsgi, url, call, 413)["error"] == "A call may bring 5000 events at the most."
    monkeypatch.setattr(MailgunProvider, "receive", lambda *_: told_now)
    started = time.perf_counter()
    assert post(wsgi, url, call)["data"] == {"events": 5000, "new": 5000}
    assert time.perf_counter() - started < 10
    assert post(wsgi, url, call)["data"] == {"events": 5000, "new": 0}


def test_an_event_can_be_found_by_the_providers_own_name(wsgi, runtime, mail, mailgun) -> None:
    id = sent(mail, "accepted")
    mail.sql(
        "insert into email_attempts (workspace_id, email_id, n, fence, outcome, provider_message_id) "
        "values (:w, :id, 1, 1, 'accepted', 'abc@mg.example.com')",
        id=id,
    )
    event = {"id": "n1", "event": "delivered", "message": {"headers": {"message-id": "abc@mg.example.com"}}}
    assert post(wsgi, mailgun["webhook_url"], fakes.mailgun_call(event))["data"]["new"] == 1
    work(runtime)
    assert status_of(mail, id) == "delivered"


def test_the_page_shows_where_events_go_and_whether_they_come(
    wsgi, runtime, tenant, api, mail, mailgun
) -> None:
    owner = Browser(wsgi, runtime, tenant.user_id)
    page = f"/w/{tenant.slug}/providers/{mailgun['id']}/"
    assert mailgun["webhook_url"] in owner.get(page).text
    assert "No event has come yet" in owner.get(page).text
    post(wsgi, mailgun["webhook_url"], told(new_id(), "delivered", "p1"))
    assert "Last event:" in owner.get(page).text
    given = {"name": "Off", "provider": "mailgun", "config": CONFIG | {"webhook_signing_key": ""}}
    off = api.post("providers", given).json["data"]
    assert "It is off" in owner.get(f"/w/{tenant.slug}/providers/{off['id']}/").text
