"""The page and the API of what limits the rate: true figures, limits set and lifted, breaks ended by hand."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink
from tests.factories import Client, Tenant, make_key, make_tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld, called_off, drain


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sink: Sink) -> Iterator[MailWorld]:
    with called_off(MailWorld(runtime, tenant, sink.port)) as world:
        yield world


def brakes(api: Client) -> dict[str, Any]:
    return {each["title"]: each for each in api.data("sending")["brakes"]}


def audit(world: MailWorld) -> list[Any]:
    with world.runtime.unit("web", world.tenant.id) as services:
        return services.session.execute(text("select action, data from workspace_audit order by id")).all()


def test_a_limit_is_set_shown_changed_and_lifted(world: MailWorld, api: Client, sink: Sink) -> None:
    account = str(world.account_id)
    made = api.post("sending/limits", {"account_id": account, "per_hour": 120, "per_day": 500}).json["data"]
    assert (made["account_name"], made["per_second"]) == ("test", None)
    again = api.post("sending/limits", {"account_id": account, "per_hour": 9}, status=409)
    assert again.json["code"] == "CONFLICT"
    world.intend(20)
    drain(world.runtime)
    assert len(sink.mails) == 2
    told = brakes(api)["Through test"]
    assert (told["figure"], told["note"]) == ("120 an hour, 500 a day", "2 of 500 used today")
    assert (told["waiting"], told["used"], told["limit_id"]) == (18, 2, made["id"])
    assert datetime.fromisoformat(told["next_at"]) > datetime.now(UTC)
    changed = api.patch(f"sending/limits/{made['id']}", {"per_hour": None, "per_day": 5}).json["data"]
    assert (changed["per_hour"], changed["per_day"]) == (None, 5)
    drain(world.runtime)
    assert len(sink.mails) == 5, "what waited is looked at again at once"
    assert brakes(api)["Through test"]["waiting"] == 15
    api.delete(f"sending/limits/{made['id']}")
    drain(world.runtime)
    assert len(sink.mails) == 20
    report = api.data("sending")
    assert (report["brakes"], report["waiting"], report["last_hour"]) == ([], 0, 20)
    assert {"limit.set", "limit.changed", "limit.lifted"} <= {action for action, _ in audit(world)}


def test_nothing_was_sent_where_there_is_no_sender_yet(api: Any) -> None:
    report = api.data("sending")
    assert (report["last_minute"], report["last_hour"]) == (0, 0)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "per_second"),
        ({"per_second": None}, "per_second"),
        ({"per_second": 0}, "per_second"),
        ({"per_second": -1}, "per_second"),
        ({"per_second": 1.5}, "per_second"),
        ({"per_second": True}, "per_second"),
        ({"per_second": "many"}, "per_second"),
        ({"per_minute": 10**30}, "per_minute"),
        ({"per_hour": "1e999"}, "per_hour"),
        ({"per_day": -1}, "per_day"),
        ({"per_month": 5}, "per_month"),
        ({"per_day": 5, "recipient_domain": "not a domain"}, "recipient_domain"),
        ({"per_day": 5, "recipient_domain": "*.example.org"}, "recipient_domain"),
        ({"per_day": 5, "recipient_domain": "x" * 300}, "recipient_domain"),
        ({"per_day": 5, "recipient_domain": "a\x00.example"}, "recipient_domain"),
        ({"per_day": 5, "recipient_domain": "a\r\nb.example"}, "recipient_domain"),
        ({"per_day": 5, "recipient_domain": ["a.example"]}, "recipient_domain"),
        ({"per_day": 5, "account_id": "nonsense"}, "account_id"),
        ({"per_day": 5, "account_id": str(new_id())}, "account_id"),
        ({"per_day": 5, "domain_id": str(new_id())}, "domain_id"),
        ({"per_day": 5, "sender_id": "SENDER"}, "per_day"),
        ({"per_hour": 5, "sender_id": "SENDER", "recipient_domain": "a.example"}, "sender_id"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_with_its_field(
    world: MailWorld, api: Client, given: dict[str, Any], field: str
) -> None:
    given = {name: str(world.sender_id) if value == "SENDER" else value for name, value in given.items()}
    assert field in api.post("sending/limits", given, status=400).json["details"]
    assert api.data("sending/limits") == []


@pytest.mark.parametrize(
    ("place", "given"),
    [
        ("sending/limits", {"recipient_domain": "twice.example", "per_hour": 5}),
        ("domains", {"name": "twice.example"}),
        ("senders", {"name": "Bo", "address": "bo@twice.example"}),
    ],
)
def test_of_many_who_make_the_same_at_once_one_does(
    world: MailWorld, api: Client, place: str, given: dict[str, Any]
) -> None:
    ready = Barrier(6)

    def make(_: int) -> int:
        ready.wait(20)
        proof = {"Authorization": f"Bearer {api.key}"}
        return int(api.app.post_json(api.url(place), given, headers=proof, expect_errors=True).status_int)

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(make, range(6)))
    assert answers[0] < 300 and answers[1:] == [409] * 5


def test_a_break_is_shown_and_ended_by_hand(world: MailWorld, api: Client, sink: Sink) -> None:
    sink.answer = lambda verb, session: "421 4.7.0 slow down" if verb == "RCPT" else None
    world.intend(12, to_address="p{n}@Busy.example")
    for _ in range(5):
        world.sql("update email_logs set due_at = now() where workspace_id = :w and status = 'intent'")
        drain(world.runtime)
    told = brakes(api)["To busy.example through test"]
    assert (told["kind"], told["waiting"]) == ("breaker", 12)
    assert told["note"] == "421 4.7.0 slow down"
    assert datetime.fromisoformat(told["until"]) > datetime.now(UTC)
    sink.answer = lambda verb, session: None
    pair = {"account_id": told["account_id"], "domain": "busy.example"}
    after = api.post("sending/end-break", pair).json["data"]["brakes"]
    assert [(each["kind"], each["until"]) for each in after] == [("slowed", None)], "not at full speed yet"
    api.post("sending/end-break", pair)
    assert brakes(api) == {}
    drain(world.runtime)
    assert len(sink.mails) == 12
    for domain in ("busy.example", "x" * 300, "a\x00b"):
        given = pair | {"domain": domain}
        assert "domain" in api.post("sending/end-break", given, status=400).json["details"]
    ended = [(action, data["domain"]) for action, data in audit(world) if action.startswith("sending.")]
    assert ended == [("sending.break_ended", "busy.example"), ("sending.slowing_ended", "busy.example")]


def test_what_waits_for_a_domain_does_not_wait_for_its_account_too(world: MailWorld, api: Client) -> None:
    world.sql(
        "insert into mail_slowings (workspace_id, account_id, domain, pushed_at, since, open_until) "
        "select :w, :account, d, now(), now(), now() + interval '1 hour' from unnest(array['', 'busy.example']) d",
        account=world.account_id,
    )
    world.sql("update provider_accounts set rest_until = now() + interval '1 hour' where workspace_id = :w")
    for reason, domain, count in (("breaker", "busy.example", 3), ("account_resting", "", 2)):
        key = f"pace:{world.account_id}:{domain}"
        world.intend(count, hold_reason=reason, held_by=key)
    counts = {each["kind"]: each["waiting"] for each in api.data("sending")["brakes"]}
    assert counts == {"breaker": 3, "account": 2}


def test_caps_ramps_and_windows_are_shown_with_what_waits_for_them(
    world: MailWorld, api: Client, sink: Sink
) -> None:
    ramp = {"start": 3, "factor": 2, "target": 100}
    api.patch(f"senders/{world.sender_id}", {"daily_cap": 50, "ramp": ramp})
    contact = world.contact("c@example.org", consent_marketing="granted")
    today = datetime.now(UTC).isoweekday()
    window = {"days": [(today + 2) % 7 + 1], "from": "09:00", "until": "10:00", "timezone": "UTC"}
    world.intend(4, kind="marketing", contact_id=contact, send_window=window)
    world.intend(8)
    drain(world.runtime)
    found = {each["kind"]: each for each in api.data("sending")["brakes"]}
    assert (found["ramp"]["figure"], found["ramp"]["used"], found["ramp"]["waiting"]) == (
        "Warm-up: 3 today",
        3,
        5,
    )
    assert (found["other"]["title"], found["other"]["waiting"]) == ("Send windows", 4)
    assert found["other"]["reason"] == "outside_window"


def test_who_may_look_may_not_change(world: MailWorld, api: Client, runtime: Runtime, wsgi: object) -> None:
    reader = Client(wsgi, world.tenant.slug, make_key(runtime, world.tenant.id, world.tenant.user_id, "read"))
    assert reader.data("sending")["brakes"] == []
    reader.post("sending/limits", {"per_day": 5}, status=403)
    reader.post("sending/end-break", {"account_id": str(world.account_id)}, status=403)
    id = api.post("sending/limits", {"per_day": 5}).json["data"]["id"]
    stranger = make_tenant(runtime)
    other = Client(wsgi, stranger.slug, stranger.key)
    other.get(f"sending/limits/{id}", status=404)
    other.post("sending/limits", {"per_day": 5, "account_id": str(world.account_id)}, status=400)
    other.post("sending/end-break", {"account_id": str(world.account_id), "domain": ""}, status=400)


def test_the_pages_set_change_and_lift(
    world: MailWorld, wsgi: object, tenant: Tenant, runtime: Runtime
) -> None:
    browser = Browser(wsgi, runtime, tenant.user_id)
    base = f"/w/{tenant.slug}"
    page = browser.get(f"{base}/sending/").text
    assert "Nothing holds mail back" in page and "Sending rate" in browser.get(base).text
    wrong = browser.post(f"{base}/sending/limits", of="recipient_domain", per_hour="9")
    assert wrong.status_int == 422 and "Name a domain" in wrong.text
    browser.post(
        f"{base}/sending/limits", of="recipient_domain", recipient_domain="Big.example", per_hour="9"
    )
    assert "To big.example" in browser.get(f"{base}/sending/").text
    browser.post(f"{base}/sending/limits", of=f"account_id:{world.account_id}", per_day="700")
    browser.post(f"{base}/sending/limits", account_id=str(world.account_id), per_minute="70")
    assert world.sql(
        "select per_minute, per_day from mail_limits where workspace_id = :w and account_id is not null"
    ) == [(70, None)]
    browser.post(f"{base}/sending/limits", account_id=str(world.account_id))
    ((id,),) = world.sql("select id from mail_limits where workspace_id = :w")
    assert "9 an hour" in browser.get(f"{base}/sending/limits/{id}").text
    browser.post(f"{base}/sending/limits/{id}", per_second="2")
    assert world.sql("select per_second, per_hour from mail_limits where id = :id", id=id) == [(2, None)]
    assert browser.post(f"{base}/sending/limits/{id}").status_int == 422
    browser.post(f"{base}/sending/limits/{id}/lift")
    assert world.sql("select * from mail_limits where workspace_id = :w") == []
