"""Runs and events over HTTP: the JSON door, the pages, and who may not."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from autoloop.base.clock import Clock
from autoloop.base.runtime import Runtime
from tests.factories import Client, Tenant, make_key, make_tenant
from tests.functional.browser import Browser
from tests.functional.engine_world import World
from tests.unit.engine.graphs import TEMPLATE, graph

PAID = {"name": "order.paid", "data": {"sum": 3}}


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> World:
    return World(runtime, tenant.id)


def flow_of(world: World) -> Any:
    wait = ("wait", "wait_for_event", {"event": "order.paid"})
    ask = ("big", "branch", {"condition": {"field": "contact.title", "op": "is", "value": "Boss"}})
    return world.workflow(graph(wait, ask, edges="wait>big"))


def test_a_run_is_listed_moved_and_explained(world: World, api: Client) -> None:
    (ada,) = world.contacts(1, title="boss", first_name="Ada")
    flow = flow_of(world)
    (run,) = world.enrol(flow, [ada]).started
    world.settle()
    (listed,) = api.data("runs?status=waiting")
    assert listed["id"] == str(run) and listed["contact_id"] == str(ada)
    assert api.data(f"workflows/{flow}/runs")[0]["id"] == str(run)
    assert api.data("runs?status=failed") == []
    standing = api.data(f"runs/{run}")["positions"][0]
    assert standing["wait"] == {"kind": "event", "event": "order.paid"}
    assert api.post(f"runs/{run}/pause").json["data"]["status"] == "paused"
    assert api.post(f"runs/{run}/pause", status=409).json["code"] == "RUN_STATUS"
    api.post("events", {"events": [PAID | {"contact_id": str(ada)}]})
    world.settle()
    assert api.post(f"runs/{run}/resume").json["data"]["status"] == "active"
    world.settle()
    steps = api.data(f"runs/{run}/steps")
    assert [(step["node"], step["port"]) for step in steps] == [("wait", "next"), ("big", "yes")]
    assert steps[1]["detail"]["why"][0]["found"] == "boss"
    assert api.data(f"runs/{run}")["status"] == "completed"
    assert api.post(f"runs/{run}/cancel", status=409)


def test_a_failed_run_goes_on_at_the_step_that_failed(world: World, api: Client) -> None:
    set_date = ("set", "update_contact", {"set": [{"field": "fields.seats", "value": "{{ contact.title }}"}]})
    flow = world.workflow(graph(set_date, ("tag", "add_tag", {"tag": "done"}), edges="set>tag"))
    api.post("fields", {"key": "seats", "title": "Seats", "kind": "number"})
    (ada,) = world.contacts(1, title="many")
    (run,) = world.enrol(flow, [ada]).started
    world.settle()
    assert api.data(f"runs/{run}")["status"] == "failed"
    api.patch(f"contacts/{ada}", {"title": "12"})
    assert api.post(f"runs/{run}/retry").json["data"]["status"] == "active"
    world.settle()
    assert world.path(run) == ["set:failed", "set:retried", "set:next", "tag:next"]
    assert api.data(f"runs/{run}")["status"] == "completed"
    assert api.post(f"runs/{run}/retry", status=409).json["code"] == "RUN_STATUS"


SEATS = ("set", "update_contact", {"set": [{"field": "fields.seats", "value": "{{ contact.title }}"}]})


def test_a_failed_run_goes_on_in_all_its_places(world: World, api: Client) -> None:
    """It stood in a list, in a wait for its time, in one for an event, and listened for a goal."""
    api.post("fields", {"key": "seats", "title": "Seats", "kind": "number"})
    steps = (
        ("f", "fork", {"branches": ["a", "b", "c"]}),
        ("l", "for_each", {"items": [1, 2]}),
        ("rest", "wait_for_event", {"event": "order.go"}),
        SEATS,
        ("day", "wait", {"amount": 1}),
        ("paid", "wait_for_event", {"event": "order.paid", "timeout": {"amount": 9}}),
        ("g", "goal", {"event": "order.closed", "wait": {"amount": 9}}),
    )
    flow = world.workflow(graph(*steps, edges="f:a>l l:item>rest rest>set f:b>day f:c>paid paid>g"))
    (ada,) = world.contacts(1, title="many")
    (run,) = world.enrol(flow, [ada]).started
    world.settle()
    world.happen("order.go", ada)
    world.settle()
    assert world.run(run).status == "failed" and world.count("run_waits") == 0
    api.patch(f"contacts/{ada}", {"title": "12"})
    world.happen("order.paid", ada)
    world.settle()
    assert api.post(f"runs/{run}/retry").json["data"]["status"] == "active"
    world.settle()
    path = world.path(run)
    assert path[path.index("set:failed") :] == [
        "set:failed",
        "set:retried",
        "set:next",
        "l:item",
        "paid:next",
    ]
    for name in ("order.go", "order.closed"):
        world.happen(name, ada)
        world.settle()
    assert world.path(run)[-4:-1] == ["rest:next", "set:next", "l:done"]
    assert world.path(run)[-1] == "g:next"
    try:
        world.later(days=1)
    finally:
        world.runtime.clock = Clock()
    assert world.path(run)[-1] == "day:next"
    assert world.run(run).status == "completed" and "broken" not in world.run(run).variables


def test_a_run_that_may_have_done_something_outside_meanwhile_is_not_retried(
    world: World, api: Client
) -> None:
    api.post("fields", {"key": "seats", "title": "Seats", "kind": "number"})
    steps = (
        ("both", "add_tag", {"tag": "a"}),
        ("mail", "send_email", {"template_id": TEMPLATE}),
        ("hold", "wait_for_event", {"event": "order.go"}),
        SEATS,
    )
    flow = world.workflow(graph(*steps, edges="both>mail both>hold hold>set"))
    (ada,) = world.contacts(1, title="many")
    (run,) = world.enrol(flow, [ada]).started
    world.settle()
    world.happen("order.go", ada)
    world.settle()
    assert api.data(f"runs/{run}")["status"] == "failed"
    assert api.post(f"runs/{run}/retry", status=409).json["code"] == "RUN_NOT_RETRYABLE"
    assert api.data(f"runs/{run}")["status"] == "failed"


@pytest.mark.parametrize("key", [None, "again"])
def test_two_who_start_a_run_again_at_once_start_one(world: World, api: Client, key: str | None) -> None:
    flow = world.workflow(graph(("w", "wait", {"amount": 1})))
    (run,) = world.enrol(flow, world.contacts(1)).started
    world.settle()
    api.post(f"runs/{run}/cancel")
    headers = {"Authorization": f"Bearer {api.key}"} | ({"Idempotency-Key": key} if key else {})
    url = api.url(f"runs/{run}/rerun")

    def ask(_n: int) -> Any:
        return api.app.request(url, method="POST", headers=headers, expect_errors=True)

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(ask, range(2)), key=lambda each: each.status_int)
    assert world.count("workflow_runs") == 2
    if key:
        assert [each.status_int for each in answers] == [201, 201]
        assert answers[0].json["data"]["id"] == answers[1].json["data"]["id"]
    else:
        assert [each.status_int for each in answers] == [201, 409]
        assert answers[1].json["details"]["reason"] == ["is_in_it_now"]


def test_events_name_contacts_in_three_ways_and_come_once(world: World, api: Client) -> None:
    (ada,) = world.contacts(1, external_id="crm-7")
    email = f"{ada.hex[-8:]}-{ada.hex[:12]}@EXAMPLE.com"
    sent = [
        PAID | {"contact_id": str(ada), "id": "1", "source": "shop"},
        PAID | {"email": email, "id": "1", "source": "shop"},
        PAID | {"external_id": "crm-7", "id": "2", "source": "shop"},
    ]
    answer = api.post("events", {"events": sent}, status=202).json["data"]
    assert (answer["accepted"], answer["duplicates"]) == (2, 1) and answer["events"][1]["id"] is None
    assert api.post("events", {"events": sent}, status=202).json["data"]["accepted"] == 0
    assert len(api.data("events", name="order.paid", contact_id=str(ada))) == 2


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"name": "order.paid"}, "events.0"),
        ({"name": "Order Paid", "email": "a@example.com"}, "events.0.name"),
        (PAID | {"email": "nobody@example.com"}, "events.0.email"),
        (PAID | {"email": "no address"}, "events.0.email"),
        (PAID | {"contact_id": "7"}, "events.0.contact_id"),
        (PAID | {"external_id": "x", "email": "a@example.com"}, "events.0"),
        ({"name": "a.b", "external_id": "x", "data": {"a": "x" * 70_000}}, "events.0.data"),
        ({"name": "a.b", "external_id": "x", "occurred_at": "2999-01-01T00:00:00Z"}, "events.0.occurred_at"),
        ({"name": "a.b", "external_id": "x", "data": "text"}, "events.0.data"),
        ({"name": "a.b", "external_id": "x", "hue": 1}, "events.0.hue"),
    ],
)
def test_bad_events_are_refused_with_their_place(api: Client, event: dict[str, Any], field: str) -> None:
    answer = api.post("events", {"events": [event]}, status=400).json
    assert field in answer["details"]


def test_all_events_or_none(world: World, api: Client) -> None:
    (ada,) = world.contacts()
    api.post(
        "events",
        {"events": [PAID | {"contact_id": str(ada)}, PAID | {"email": "no@example.com"}]},
        status=400,
    )
    assert world.count("events") == 0


def test_strangers_and_readers(world: World, wsgi: object, runtime: Runtime, tenant: Tenant) -> None:
    (ada,) = world.contacts()
    (run,) = world.enrol(flow_of(world), [ada]).started
    other = make_tenant(runtime)
    stranger = Client(wsgi, other.slug, other.key)
    random = stranger.get("runs/01890000-0000-7000-8000-000000000000", status=404)
    assert stranger.get(f"runs/{run}", status=404).json["error"] == random.json["error"]
    assert stranger.get(f"runs/{run}/steps", status=404)
    assert stranger.post("events", {"events": [PAID | {"contact_id": str(ada)}]}, status=400)
    reader = Client(wsgi, tenant.slug, make_key(runtime, tenant.id, tenant.user_id, "read"))
    reader.get(f"runs/{run}")
    reader.post(f"runs/{run}/cancel", status=403)
    reader.post("events", {"events": [PAID | {"contact_id": str(ada)}]}, status=403)
    assert world.run(run).status == "active"
    assert json.dumps(random.json)


def test_pages_show_runs(world: World, wsgi: object, runtime: Runtime, tenant: Tenant) -> None:
    (ada,) = world.contacts(1, first_name="Ada", title="boss")
    (run,) = world.enrol(flow_of(world), [ada]).started
    world.settle()
    app = Browser(wsgi, runtime, tenant.user_id)
    listed = app.get(f"/w/{tenant.slug}/runs/")
    assert "Ada" in listed.text and "Waiting" in listed.text
    shown = app.get(f"/w/{tenant.slug}/runs/{run}/")
    assert "waits for the event order.paid" in shown.text
    world.happen("order.paid", ada)
    world.settle()
    shown = app.get(f"/w/{tenant.slug}/runs/{run}/")
    assert "→ yes" in shown.text and "contact.title is Boss: yes (found boss)" in shown.text
