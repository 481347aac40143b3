"""Simulation over HTTP: the real steps on a real or invented contact, nothing sent, nothing written."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from autoloop.base.i18n import words
from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.businesses.models import Contact
from autoloop.mail.footer import CHOOSE, UNSUBSCRIBE
from autoloop.settings import Settings
from tests.factories import Client, Tenant, make_tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld
from tests.functional.test_workflows import edge, node

VIP = {"field": "contact.tags", "op": "has", "value": "vip"}


@pytest.fixture
def ada(runtime: Runtime, tenant: Tenant) -> str:
    key = new_id()
    with runtime.unit("web", tenant.id) as services:
        services.session.add(
            Contact(
                workspace_id=tenant.id,
                id=key,
                first_name="Ada",
                email="ada@example.com",
                email_normal="ada@example.com",
                tags=["vip"],
            )
        )
    return str(key)


@pytest.fixture
def letter(api: Client, runtime: Runtime, tenant: Tenant) -> str:
    MailWorld(runtime, tenant)
    api.post("fields", {"key": "plan", "title": "Plan"})
    given = {
        "name": "Hello",
        "kind": "html",
        "subject": "Hello {{ contact.first_name }}",
        "source": "<p>Dear {{ contact.first_name }}, plan {{ contact.fields.plan | default: 'none' }}</p>",
    }
    return str(api.post("templates", given).json["data"]["id"])


def outreach(template: str) -> dict[str, Any]:
    return {
        "schema": 1,
        "nodes": [
            node("vip", "branch", condition=VIP),
            node("plan", "update_contact", set=[{"field": "fields.plan", "value": "gold"}]),
            node("mail", "send_email", template_id=template),
            node("reply", "wait_for_event", event="email.replied", timeout={"amount": 3, "unit": "days"}),
            node("split", "ab_split"),
            node("hook", "webhook", url="https://example.com/hook"),
            node("warm", "add_tag", tag="warm"),
            node("cold", "add_tag", tag="cold"),
        ],
        "edges": [
            edge("vip", "yes", "plan"),
            edge("plan", "next", "mail"),
            edge("mail", "sent", "reply"),
            edge("reply", "next", "hook"),
            edge("hook", "next", "warm"),
            edge("hook", "error", "cold"),
            edge("reply", "timeout", "split"),
            edge("split", "b", "cold"),
        ],
        "settings": {"exit_rules": ["unsubscribed"]},
    }


def made(api: Client, graph: dict[str, Any]) -> str:
    return str(api.post("workflows", {"name": "Try me", "graph": graph}).json["data"]["id"])


def tried(api: Client, workflow: str, **asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = api.post(f"workflows/{workflow}/simulate", asked).json["data"]
    return found


def path(found: dict[str, Any]) -> list[str]:
    return [f"{step['node']}:{step['port'] or step['outcome']}" for step in found["steps"]]


def counts(settings: Settings) -> dict[str, int]:
    """Rows of every table."""
    with psycopg.connect(settings.database_owner_url.replace("+psycopg", "")) as connection:
        names = connection.execute(
            "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace "
            "where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition"
        ).fetchall()
        return {
            name: connection.execute(f"select count(*) from {name}").fetchone()[0]  # type: ignore[index]
            for (name,) in names
        }


def test_a_real_contact_walks_through_the_draft_and_nothing_is_written(
    api: Client, ada: str, letter: str, settings: Settings
):
    workflow = made(api, outreach(letter))
    before = counts(settings)
    found = tried(api, workflow, contact_id=ada, start_at="2026-03-02T09:00:00Z")
    assert counts(settings) == before
    assert path(found) == ["vip:yes", "plan:next", "mail:sent", "reply:timeout", *path(found)[4:]]
    assert path(found)[4].startswith("split:")
    vip, plan, mail, reply = found["steps"][:4]
    assert vip["why"][0]["answer"] is True
    assert "vip" in vip["why"][0]["found"]
    assert plan["effects"] == [{"effect": "UpdateContact", "set": {"fields.plan": "gold"}}]
    assert mail["mail"]["subject"] == "Hello Ada"
    assert "plan gold" in mail["mail"]["html"]
    assert "1 Main Street" in mail["mail"]["text"]
    assert reply["wait"]["for"] == "email.replied"
    assert reply["wait"]["seconds"] == 3 * 86_400
    assert reply["left_at"] == "2026-03-05T09:00:00+00:00"
    assert found["end"]["status"] == "completed"
    assert found["end"]["seconds"] == 3 * 86_400
    assert api.data(f"contacts/{ada}")["fields"] == {}


def test_outcomes_are_picked_per_step(api: Client, ada: str, letter: str):
    workflow = made(api, outreach(letter))
    reply = {"fate": "sent", "then": [{"event": "replied", "after": 7200, "text": "Yes, please"}]}
    answered = tried(api, workflow, contact_id=ada, outcomes={"mail": reply})
    assert path(answered) == ["vip:yes", "plan:next", "mail:sent", "reply:next", "hook:next", "warm:next"]
    assert answered["steps"][3]["output"]["data"]["text"] == "Yes, please"
    assert answered["end"]["seconds"] == 7200
    refused = tried(api, workflow, contact_id=ada, outcomes={"mail": reply, "hook": {"status": 503}})
    assert path(refused)[-2:] == ["hook:error", "cold:next"]
    arm = tried(api, workflow, contact_id=ada, outcomes={"split": {"port": "b"}})
    assert path(arm)[-2:] == ["split:b", "cold:next"]
    assert arm["steps"][-2]["chosen"]
    left = tried(api, workflow, contact_id=ada, default={"then": [{"event": "unsubscribed", "after": 60}]})
    assert (left["end"]["status"], left["end"]["reason"]) == ("stopped", "email.unsubscribed")
    unknown = tried(api, workflow, contact_id=ada, default={"fate": "unknown"})
    assert (unknown["end"]["status"], unknown["end"]["code"]) == ("waiting", "HELD")
    assert "until a person decides" in unknown["end"]["note"]


def test_an_invented_contact_and_why_a_mail_would_not_go(api: Client, letter: str):
    workflow = made(api, outreach(letter))
    nobody = tried(api, workflow, contact={"first_name": "Bo"})
    assert path(nobody) == ["vip:no"]
    denied = {
        "email": "bo@example.com",
        "tags": ["vip"],
        "first_name": "Bo",
        "consent": {"marketing": "denied"},
    }
    found = tried(api, workflow, contact=denied)
    assert path(found)[-1] == "mail:skipped"
    assert found["steps"][-1]["mail"]["barred"] == "No consent to marketing mail"
    api.post("suppressions", {"address": "gone@example.com"})
    gone = tried(api, workflow, contact={"email": "gone@example.com", "tags": ["vip"], "first_name": "Bo"})
    assert gone["steps"][-1]["mail"]["barred"].startswith("Suppressed")


def test_the_mail_ends_as_its_recipient_would_read_it(api: Client, letter: str):
    workflow = made(
        api, {"schema": 1, "nodes": [node("mail", "send_email", template_id=letter)], "edges": []}
    )
    for locale, language in (("de-AT", "de"), ("", "en")):
        person = {"email": "eve@example.com", "first_name": "Eve", "locale": locale}
        (mail,) = [step["mail"] for step in tried(api, workflow, contact=person)["steps"] if step.get("mail")]
        for said in (UNSUBSCRIBE, CHOOSE):
            assert words(language, said) in mail["text"] and words(language, said) in mail["html"]


def test_events_start_and_reach_it_and_the_same_contact_takes_the_same_arm(api: Client, ada: str):
    graph = {
        "schema": 1,
        "nodes": [
            node("big", "branch", condition={"field": "event.data.amount", "op": "gt", "value": 100}),
            node("paid", "wait_for_event", event="order.paid", match={"id": 7}),
            node("split", "ab_split"),
        ],
        "edges": [edge("big", "yes", "paid"), edge("paid", "next", "split")],
    }
    workflow = made(api, graph)
    events = [
        {"name": "order.paid", "after": 60, "data": {"id": 6}},
        {"name": "order.paid", "after": 90, "data": {"id": 7, "sum": 5}},
    ]
    entry = {"name": "order.made", "data": {"amount": 200}}
    first = tried(api, workflow, contact_id=ada, event=entry, events=events)
    again = tried(api, workflow, contact_id=ada, event=entry, events=events)
    assert path(first) == path(again)
    assert first["end"]["seconds"] == 90
    assert first["steps"][1]["output"]["data"]["sum"] == 5
    never = tried(api, workflow, contact_id=ada, event=entry)
    assert (never["end"]["status"], never["end"]["code"]) == ("waiting", "NOTHING_COMES")
    picked = tried(
        api, workflow, contact_id=ada, event=entry, outcomes={"paid": {"happens": True, "after": 30}}
    )
    assert picked["end"] == first["end"] | {"at": picked["end"]["at"], "seconds": 30}


def test_a_loop_ends_with_a_clear_note(api: Client, ada: str):
    graph = {
        "schema": 1,
        "nodes": [node("tag", "add_tag", tag="a"), node("hold", "wait", amount=1, unit="hours")],
        "edges": [edge("tag", "next", "hold"), edge("hold", "next", "tag")],
        "settings": {"start": "tag"},
    }
    found = tried(api, made(api, graph), contact_id=ada)
    assert (found["end"]["status"], found["end"]["code"]) == ("unfinished", "MOST_STEPS")
    assert "goes round" in found["end"]["note"]
    assert len(found["steps"]) <= 502


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"contact_id": str(new_id())}, "contact_id"),
        ({"contact_id": "ada"}, "contact_id"),
        ({"version": 9}, "version"),
        ({"version": True}, "version"),
        ({"version": 1.5}, "version"),
        ({"default": {"port": "next"}}, "default.port"),
        ({"outcomes": {"nowhere": {"port": "x"}}}, "outcomes.nowhere"),
        ({"outcomes": {"tag": {"port": "sideways"}}}, "outcomes.tag.port"),
        ({"outcomes": {"tag": {"fate": "lost"}}}, "outcomes.tag.fate"),
        ({"outcomes": {"tag": 5}}, "outcomes.tag"),
        ({"default": {"then": [{"event": "smiled"}]}}, "default.then.0.event"),
        ({"contact": {"tags": "vip"}}, "contact.tags"),
        ({"contact": {"tags": [5]}}, "contact.tags"),
        ({"events": [{"name": "Order Paid"}]}, "events.0.name"),
        ({"most_steps": 5_000}, "most_steps"),
        ({"start_at": "9999-12-31T23:59:59Z"}, "start_at"),
        ({"start_at": "soon"}, "start_at"),
        ({"sideways": 1}, "sideways"),
    ],
)
def test_what_cannot_be_tried_is_said(api: Client, asked: dict[str, Any], field: str):
    workflow = made(api, {"schema": 1, "nodes": [node("tag", "add_tag", tag="a")], "edges": []})
    answer = api.post(f"workflows/{workflow}/simulate", asked, status=400).json
    assert field in answer["details"]


def test_a_graph_that_cannot_run_is_told_and_strangers_see_nothing(
    api: Client, wsgi: object, runtime: Runtime
):
    broken = made(api, {"schema": 1, "nodes": [node("x", "no_such_step")], "edges": []})
    assert "no_such_step" in api.post(f"workflows/{broken}/simulate", {}, status=400).text
    other = make_tenant(runtime)
    Client(wsgi, other.slug, other.key).post(f"workflows/{broken}/simulate", {}, status=404)
    key = {"Idempotency-Key": "try-1"}
    fine = made(api, {"schema": 1, "nodes": [node("tag", "add_tag", tag="a")], "edges": []})
    first = api.post(f"workflows/{fine}/simulate", {"start_at": "2026-01-01T00:00:00Z"}, headers=key)
    assert (
        first.json
        == api.post(f"workflows/{fine}/simulate", {"start_at": "2026-01-01T00:00:00Z"}, headers=key).json
    )


def test_the_page_shows_the_way_and_tries_again_with_other_outcomes(
    api: Client, ada: str, letter: str, wsgi: object, runtime: Runtime, tenant: Tenant
):
    browser = Browser(wsgi, runtime, tenant.user_id)
    workflow = made(api, outreach(letter))
    place = f"/w/{tenant.slug}/workflows/{workflow}"
    assert f"{place}/simulate" in browser.get(place).text
    empty = browser.get(f"{place}/simulate")
    assert "Nothing tried yet" in empty.text
    form = empty.forms[next(key for key in empty.forms if "who" in empty.forms[key].fields)]
    form["contact"] = "ada@example.com"
    first = form.submit()
    assert "Hello Ada" in first.text
    assert "contact.tags has vip: yes" in first.text
    form = first.forms[next(key for key in first.forms if "who" in first.forms[key].fields)]
    form["o:mail:then"] = "replied"
    form["o:mail:hours"] = "2"
    form["o:mail:text"] = "Yes"
    second = form.submit()
    assert "2 hours after it began" in second.text
    assert "tag + warm" in second.text
    fields = dict(
        second.forms[next(key for key in second.forms if "who" in second.forms[key].fields)].submit_fields()
    )
    framed = browser.app.post(f"{place}/simulate-mail", fields | {"show": "3"})
    assert framed.text.count("Dear Ada, plan gold") == 1
    assert "sandbox" in framed.headers["Content-Security-Policy"]
    wrong = browser.post(f"{place}/simulate", who="real", contact="nobody@example.com")
    assert wrong.status_int == 422
    assert "Nobody here has this address" in wrong.text
    for field, value in {"invented": "{", "o:mail:hours": "soon", "o:mail:status": "bad"}.items():
        assert browser.post(f"{place}/simulate", who="invented", **{field: value}).status_int == 422
    assert (
        "Bo"
        in browser.post(
            f"{place}/simulate", who="invented", invented='{"first_name": "Bo", "tags": ["vip"]}'
        ).text
    )


def test_ways_that_part_and_meet_another_workflow_and_local_times(api: Client):
    graph = {
        "schema": 1,
        "nodes": [
            node("part", "fork", branches=["a", "b"]),
            node("short", "wait", amount=1, unit="hours"),
            node("child", "sub_workflow", workflow_id=str(new_id())),
            node("meet", "merge"),
            node("say", "emit_event", event="deal.won"),
        ],
        "edges": [
            edge("part", "a", "short"),
            edge("part", "b", "child"),
            edge("short", "next", "meet"),
            edge("child", "next", "meet"),
            edge("meet", "next", "say"),
        ],
    }
    workflow = made(api, graph)
    found = tried(api, workflow, contact={}, outcomes={"child": {"after": 7200, "output": {"x": 1}}})
    assert found["end"]["status"] == "completed", found["end"]
    assert found["end"]["seconds"] == 7200
    assert path(found)[-1] == "say:next"
    child = next(step for step in found["steps"] if step["node"] == "child")
    assert child["output"]["status"] == "completed"
    skipped = tried(api, workflow, contact={}, outcomes={"child": {"child": "skipped"}})
    assert "child:skipped" in path(skipped)


def test_strange_contacts_break_nothing(api: Client, letter: str):
    workflow = made(api, outreach(letter))
    deep: Any = "x"
    for _ in range(200):
        deep = {"a": deep}
    strange = [
        {"fields": deep, "tags": ["vip"]},
        {"consent": {"marketing": 5}, "tags": ["vip"], "first_name": "x" * 100_000},
        {"timezone": "Mars/Olympus", "created_at": 7, "tags": ["vip"], "email": "not an address"},
        {"first_name": "{{ contact.email }}{% for %}", "tags": ["vip"], "id": "nonsense"},
    ]
    for contact in strange:
        answer = api.call("POST", f"workflows/{workflow}/simulate", {"contact": contact}, status=200)
        assert answer.json["data"]["end"]["status"] in ("completed", "failed")
    found = tried(api, workflow, contact=strange[-1])
    assert found["steps"][2]["mail"]["subject"] == "Hello {{ contact.email }}{% for %}"


def test_an_event_ends_one_wait_of_a_branch(api: Client, ada: str, letter: str):
    graph = {
        "schema": 1,
        "nodes": [
            node("mail", "send_email", template_id=letter),
            node("paid", "wait_for_event", event="order.paid"),
            node("tag", "add_tag", tag="buyer"),
        ],
        "edges": [edge("mail", "sent", "paid"), edge("paid", "next", "tag"), edge("tag", "next", "paid")],
    }
    orders = [{"name": "order.paid", "after": 60}, {"name": "order.paid", "after": 90}]
    found = tried(api, made(api, graph), contact_id=ada, events=orders)
    assert path(found) == ["mail:sent", *["paid:next", "tag:next"] * 2, "paid:waiting"]


def test_the_page_picks_how_the_run_of_another_workflow_ends(
    api: Client, ada: str, wsgi: object, runtime: Runtime, tenant: Tenant
):
    other = made(api, {"schema": 1, "nodes": [node("s", "stop")], "edges": []})
    graph = {
        "schema": 1,
        "nodes": [node("sub", "sub_workflow", workflow_id=other), node("bad", "add_tag", tag="bad")],
        "edges": [edge("sub", "failed", "bad")],
    }
    browser = Browser(wsgi, runtime, tenant.user_id)
    page = browser.get(f"/w/{tenant.slug}/workflows/{made(api, graph)}/simulate")

    def form_of(page: Any) -> Any:
        return page.forms[next(key for key in page.forms if "who" in page.forms[key].fields)]

    form = form_of(page)
    form["contact"] = "ada@example.com"
    first = form.submit()
    assert "tag + bad" not in first.text
    form = form_of(first)
    form["o:sub:child"], form["o:sub:hours"] = "failed", "3"
    second = form.submit()
    assert "tag + bad" in second.text and "3 hours after it began" in second.text
    fields = dict(form_of(second).submit_fields()) | {"o:sub:child": "odd"}
    place = second.request.path
    assert browser.app.post(place, fields, status=422)
