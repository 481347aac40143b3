"""Two contacts become one while both are on their way through workflows."""

from __future__ import annotations

import time
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from autoloop.businesses.services import Contacts
from autoloop.engine.services.enrolment import enrol
from autoloop.mail.services.suppressions import Suppressions
from tests.functional.browser import Browser
from tests.functional.engine_world import World
from tests.unit.engine.graphs import graph

WAIT = graph(("w", "wait_for_event", {"event": "order.paid"}), ("t", "add_tag", {"tag": "paid"}), edges="w>t")


@pytest.fixture
def world(runtime, tenant) -> World:
    return World(runtime, tenant.id)


def runs_of(world: World, flow: Any) -> list[tuple[str, str | None, Any]]:
    with world.runtime.unit("web", world.workspace_id) as services:
        found = services.session.execute(
            text(
                "select status, reason, contact_id, started_as from workflow_runs where workflow_id = :f order by id"
            ),
            {"f": flow},
        )
        return [tuple(row) for row in found]


def test_runs_events_and_waits_follow_and_nobody_goes_twice(world: World, api: Any) -> None:
    (old, young), (both, theirs) = world.contacts(2), (world.workflow(WAIT), world.workflow(WAIT))
    world.enrol(both, [old, young])
    world.enrol(theirs, [young])
    world.settle()
    merged = api.post(f"contacts/{young}/merge", {"other": str(old)}).json["data"]
    assert merged["id"] == str(old)
    assert runs_of(world, both) == [("waiting", None, old, old), ("cancelled", "merged", old, young)]
    assert runs_of(world, theirs) == [("waiting", None, old, young)]
    world.happen("order.paid", old)
    world.settle()
    assert [row[0] for row in runs_of(world, both) + runs_of(world, theirs)] == [
        "completed",
        "cancelled",
        "completed",
    ]
    assert api.data(f"contacts/{young}")["id"] == str(old)
    assert api.data(f"contacts/{young}")["tags"] == ["paid"]
    assert (
        api.post("events", {"events": [{"name": "a.b", "contact_id": str(young)}]}).json["data"]["accepted"]
        == 1
    )
    assert world.enrol(both, [old]).skipped == {"was_here_before": 1}
    with world.runtime.unit("web", world.workspace_id) as services:
        entries = text(
            "select action, data from workspace_audit where workspace_id = :w order by id desc limit 1"
        )
        action, data = services.session.execute(entries, {"w": world.workspace_id}).one()
    assert (action, data) == ("contact.merged", {"kept": str(old), "other": str(young)})


def test_a_run_that_begins_meanwhile_follows_too(world: World) -> None:
    old, young = world.contacts(2)
    flow = world.workflow(WAIT)
    with world.runtime.unit("web", world.workspace_id) as entering:
        started = enrol(entering, flow, [young]).started  # not committed yet
        merging = Thread(target=merge, args=(world, old, young))
        merging.start()
        with world.runtime.unit("web") as watching:
            blocked = text(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            )
            until = time.monotonic() + 20
            while not watching.session.scalar(blocked) and time.monotonic() < until:
                watching.session.execute(text("select pg_stat_clear_snapshot()"))
    merging.join(20)
    assert len(started) == 1
    assert runs_of(world, flow) == [("active", None, old, young)]


def merge(world: World, one: Any, two: Any) -> None:
    with world.runtime.unit("web", world.workspace_id) as services:
        contacts = services(Contacts)
        contacts.merge(contacts.find(one), contacts.find(two))


def test_the_survivor_keeps_what_it_has_and_takes_what_it_lacks(
    world: World, api: Any, wsgi, runtime, tenant
) -> None:
    api.post("fields", {"key": "plan", "title": "Plan"})
    api.post("fields", {"key": "size", "title": "Size"})
    first = api.post(
        "contacts",
        {"last_name": "King", "fields": {"plan": "pro"}, "tags": ["a"], "consent": {"marketing": "granted"}},
    ).json["data"]["id"]
    second = api.post(
        "contacts",
        {
            "email": "Ada@x.example",
            "external_id": "7",
            "last_name": "Lovelace",
            "title": "Dr",
            "tags": ["b"],
            "fields": {"plan": "free", "size": "L"},
            "consent": {"marketing": "denied"},
        },
    ).json["data"]["id"]
    third = api.post("contacts", {"email": "third@x.example", "status": "unsubscribed"}).json["data"]["id"]
    with runtime.unit("web", tenant.id) as services:
        services(Suppressions).suppress("third@x.example", "complained")
    got = api.post(f"contacts/{first}/merge", {"other": second}).json["data"]
    assert (got["email"], got["external_id"], got["last_name"], got["title"]) == (
        "Ada@x.example",
        "7",
        "King",
        "Dr",
    )
    assert (got["fields"], got["tags"], got["consent"]["marketing"]) == (
        {"plan": "pro", "size": "L"},
        ["a", "b"],
        "denied",
    )
    browser = Browser(wsgi, runtime, tenant.user_id)
    answer = browser.post(f"/w/{tenant.slug}/contacts/{first}/merge", other="third@x.example")
    assert answer.status_int == 303
    with runtime.unit("web", tenant.id) as services:
        entries = services.session.execute(
            text("select subject from workspace_audit where action = 'contact.merged' order by id")
        )
        assert [row.subject for row in entries] == ["Ada@x.example", "third@x.example"]
    got = api.data(f"contacts/{third}")
    assert (got["id"], got["status"]) == (first, "unsubscribed")
    assert api.data(f"contacts/{second}")["id"] == first
    with runtime.unit("web", tenant.id) as services:
        assert services(Suppressions).of_address("ada@x.example") == ["complained"]
        assert services(Contacts).find(UUID(second)).id == UUID(first)


def test_a_merge_with_itself_or_with_nobody_is_refused(api: Any, tenant: Any) -> None:
    id = api.post("contacts", {"last_name": "King"}).json["data"]["id"]
    for other in (id, "0198c0de-0000-7000-8000-00000000000a", "nobody", ""):
        assert list(api.post(f"contacts/{id}/merge", {"other": other}, status=400).json["details"]) == [
            "other"
        ]
    api.post(f"contacts/{id}/merge", {}, status=400)
