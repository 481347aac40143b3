"""Explanations over HTTP: why a run went as it did, why a contact is in a workflow or is not."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.businesses.models import Contact
from tests.factories import Client, Tenant, make_tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld, drain
from tests.functional.test_workflows import edge, node

VIP = {"field": "contact.tags", "op": "has", "value": "vip"}
# 205 runs that are over, and 100 newer workflows.
COPIES = """
with more as (
  insert into automation_workflows (workspace_id, id, name)
  select workspace_id, cast('ffffffff-0000-7000-8000-' || lpad(to_hex(n), 12, '0') as uuid), 'More'
  from automation_workflows, generate_series(1, 100) n where id = cast(:going as uuid))
insert into workflow_runs (workspace_id, id, workflow_id, version_id, contact_id, started_as, entry_key, status,
  positions, visits, variables, ended_at)
select w.workspace_id, gen_random_uuid(), w.id, w.live_version_id, cast(:contact as uuid), cast(:contact as uuid),
  n::text, 'completed', '[]', '{}', '{}', now()
from automation_workflows w, generate_series(1, 205) n where w.id = cast(:workflow as uuid)
"""


def settle(runtime: Runtime) -> None:
    kinds = [runtime.registrations.due_kinds[name] for name in ("route", "advance")]
    while sum(kind.work(runtime) for kind in kinds):
        pass


def person(runtime: Runtime, tenant: Tenant, **given: Any) -> str:
    key = new_id()
    with runtime.unit("web", tenant.id) as services:
        email = f"{key}@example.com"
        row = Contact(workspace_id=tenant.id, id=key, email=email, email_normal=email, **given)
        services.session.add(row)
    return str(key)


def live(api: Client, graph: dict[str, Any], triggers: list[dict[str, Any]]) -> str:
    given = {"name": "Paid", "graph": graph, "triggers": triggers}
    workflow = str(api.post("workflows", given).json["data"]["id"])
    api.post(f"workflows/{workflow}/publish", {})
    return workflow


def only(api: Client, contact: str, workflow: str) -> dict[str, Any]:
    found = api.data(f"contacts/{contact}/explain", workflow=workflow)["workflows"]
    assert len(found) == 1
    return dict(found[0])


@pytest.fixture
def paid(api: Client) -> str:
    graph = {
        "schema": 1,
        "nodes": [
            node("vip", "branch", condition=VIP),
            node(
                "hold",
                "wait_for_event",
                event="order.sent",
                match={"n": 1},
                timeout={"amount": 2, "unit": "days"},
            ),
        ],
        "edges": [edge("vip", "yes", "hold")],
    }
    trigger = {"type": "event", "config": {"event": "order.paid", "match": {"plan": "gold"}}}
    return live(api, graph, [trigger])


def test_why_a_run_is_where_it_is(api: Client, runtime: Runtime, tenant: Tenant, paid: str):
    ada = person(runtime, tenant, first_name="Ada", tags=["vip"])
    never = only(api, ada, paid)
    assert never["state"] == "never"
    assert "no order.paid of this contact in 90 days" in never["sentence"]
    api.post("events", {"events": [{"name": "order.paid", "contact_id": ada, "data": {"plan": "tin"}}]})
    settle(runtime)
    other = only(api, ada, paid)
    assert "1 × order.paid came, and none fits" in other["sentence"]
    assert other["triggers"][0]["compared"][0] | {"event_id": 0, "at": 0} == {
        "event_id": 0,
        "at": 0,
        "data": {"plan": "tin"},
        "fits": False,
        "chain": 0,
        "pending": False,
    }
    api.post("events", {"events": [{"name": "order.paid", "contact_id": ada, "data": {"plan": "gold"}}]})
    settle(runtime)
    event = api.data("events", name="order.paid", contact_id=ada)[0]
    inside = only(api, ada, paid)
    assert inside["state"] == "in"
    assert "waits for the event order.sent with {'n': 1}, until" in inside["because"][0]
    told = api.data(f"runs/{inside['run_id']}/explain")
    assert told["enrolment"]["event"] == {
        "id": event["id"],
        "name": "order.paid",
        "data": {"plan": "gold"},
    }
    assert "because of order.paid" in told["sentences"][0]
    assert told["enrolment"]["by"]["event_id"] == event["id"]
    assert "“Branch” went on by “yes”, because contact.tags has vip: yes (found " in told["sentences"][1]
    assert told["steps"][0]["port"] == "yes"
    assert told["waits"][0]["match"] == {"n": 1}
    assert told["end"] is None


def test_why_a_run_ended_was_held_and_may_begin_again(
    api: Client, runtime: Runtime, tenant: Tenant, paid: str
):
    bo = person(runtime, tenant, first_name="Bo")
    api.post("events", {"events": [{"name": "order.paid", "contact_id": bo, "data": {"plan": "gold"}}]})
    settle(runtime)
    was = only(api, bo, paid)
    assert was["state"] == "was"
    assert was["because"] == ["each contact enters once"]
    assert api.data(f"runs/{was['run_id']}/explain")["end"]["sentence"] == "It went all the way to the end."

    cy = person(runtime, tenant, first_name="Cy", tags=["vip"])
    api.post(f"workflows/{paid}/enrol", {"contact_ids": [cy]})
    settle(runtime)
    run = only(api, cy, paid)["run_id"]
    api.post(f"runs/{run}/pause")
    told = api.data(f"runs/{run}/explain")
    assert told["held"]["sentence"] == "It is paused: paused by a person."
    assert "started through the API, with the key “tests” of Test Person" in told["enrolment"]["sentence"]
    assert told["enrolment"]["by"]["user_id"] == str(tenant.user_id)
    api.post(f"runs/{run}/cancel")
    assert api.data(f"runs/{run}/explain")["end"]["reason"] == "cancelled by a person"
    again = api.post(f"runs/{run}/rerun").json["data"]["id"]
    assert f"as another run of {run}" in api.data(f"runs/{again}/explain")["enrolment"]["sentence"]
    api.post(f"runs/{again}/cancel")
    api.post(f"workflows/{paid}/pause")
    di = person(runtime, tenant)
    assert only(api, di, paid)["sentence"] == "Was never in it: it is paused."
    assert only(api, bo, paid)["because"] == ["each contact enters once", "it is paused"]
    api.post(f"workflows/{paid}/archive")
    api.post(f"workflows/{paid}/restore")
    assert "it is a draft, and nobody enters" in only(api, di, paid)["sentence"]


def test_a_contact_is_in_a_workflow_however_much_came_since(
    api: Client, runtime: Runtime, tenant: Tenant, paid: str
):
    """Neither hundreds of later runs nor a hundred newer workflows hide where a contact stands."""
    ada = person(runtime, tenant, tags=["vip"])
    api.post(f"workflows/{paid}/enrol", {"contact_ids": [ada]})
    settle(runtime)
    other = live(api, {"schema": 1, "nodes": [node("end", "stop")], "edges": []}, [])
    with runtime.unit("web", tenant.id) as services:
        copy = text(COPIES)
        services.session.execute(copy, {"contact": ada, "workflow": other, "going": paid})
    found = api.data(f"contacts/{ada}/explain")["workflows"]
    assert [(each["workflow_id"], each["state"]) for each in found[:2]] == [(other, "was"), (paid, "in")]
    assert len(found[0]["runs"]) == 10 and len(found) == 100


def test_why_an_email_was_not_sent_or_is_held(api: Client, runtime: Runtime, tenant: Tenant):
    world = MailWorld(runtime, tenant)
    given = {"name": "Hello", "kind": "html", "subject": "Hello", "source": "<p>Hello</p>"}
    letter = api.post("templates", given).json["data"]["id"]
    graph = {"schema": 1, "nodes": [node("mail", "send_email", template_id=letter)], "edges": []}
    workflow = live(api, graph, [])
    gone = person(runtime, tenant)
    held = person(runtime, tenant)
    api.post(f"workflows/{workflow}/enrol", {"contact_ids": [gone]})
    settle(runtime)
    api.patch(f"contacts/{gone}", {"consent": {"marketing": "denied", "source": "tests"}})
    drain(runtime)
    settle(runtime)
    told = api.data(f"runs/{only(api, gone, workflow)['run_id']}/explain")
    assert told["emails"][0]["sentence"] == "The email was not sent: No consent to marketing mail."
    assert api.data(f"contacts/{gone}/explain")["mail"][0]["sentence"] == (
        "Gets no marketing mail: No consent to marketing mail."
    )
    world.sql("update senders set status = 'paused' where workspace_id = :w")
    api.post(f"workflows/{workflow}/enrol", {"contact_ids": [held]})
    settle(runtime)
    drain(runtime)
    told = api.data(f"runs/{only(api, held, workflow)['run_id']}/explain")
    assert told["emails"][0]["hold_reason"] == "sender_paused"
    email = api.data(f"emails/{told['emails'][0]['email_id']}/explain")
    assert (email["hold_reason"], email["open"]) == ("sender_paused", True)
    assert any("held back: the sender is paused" in each for each in told["sentences"])


def test_only_those_who_may_read_are_told(
    api: Client, runtime: Runtime, tenant: Tenant, wsgi: object, paid: str
):
    ada = person(runtime, tenant)
    other = make_tenant(runtime)
    stranger = Client(wsgi, other.slug, other.key)
    stranger.get(f"contacts/{ada}/explain", status=404)
    api.get(f"contacts/{ada}/explain", workflow=str(new_id()), status=404)
    api.get(f"contacts/{ada}/explain", workflow="nonsense", status=400)
    api.get(f"runs/{new_id()}/explain", status=404)


def test_pages_tell_the_same(api: Client, runtime: Runtime, tenant: Tenant, wsgi: object, paid: str):
    ada = person(runtime, tenant, first_name="Ada", tags=["vip"])
    browser = Browser(wsgi, runtime, tenant.user_id)
    place = f"/w/{tenant.slug}/contacts/{ada}"
    assert f"{place}/explain" in browser.get(place).text
    page = browser.get(f"{place}/explain")
    assert "no order.paid of this contact in 90 days" in page.text
    api.post("events", {"events": [{"name": "order.paid", "contact_id": ada, "data": {"plan": "gold"}}]})
    settle(runtime)
    assert "Is in it since" in browser.get(f"{place}/explain").text
    run = only(api, ada, paid)["run_id"]
    shown = browser.get(f"/w/{tenant.slug}/runs/{run}")
    assert "because of order.paid" in shown.text
    assert "waits for the event order.sent" in shown.text
    assert browser.get(f"{place}/explain?workflow=nonsense").status_int == 400
