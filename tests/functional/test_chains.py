"""Workflows that start each other round and round are stopped, and somebody is told; slow ones go on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from autoloop.base.clock import Clock, FixedClock
from autoloop.base.runtime import Runtime
from autoloop.engine.chains import MOST
from tests.factories import Client, Tenant
from tests.functional.mail_world import until
from tests.functional.test_explain import only, person
from tests.functional.test_workflows import edge, node

KINDS = ("route", "advance", "segments")


def settle(runtime: Runtime) -> None:
    while sum(runtime.registrations.due_kinds[name].work(runtime) for name in KINDS):
        pass


def live(api: Client, name: str, trigger: tuple[str, Mapping[str, Any]] | None, *nodes: Any) -> str:
    edges = [edge(one["id"], "next", two["id"]) for one, two in pairwise(nodes)]
    graph = {"schema": 1, "nodes": list(nodes), "edges": edges, "settings": {"reentry": "always"}}
    triggers = [{"type": trigger[0], "config": dict(trigger[1])}] if trigger else []
    given = {"name": name, "graph": graph, "triggers": triggers}
    workflow = str(api.post("workflows", given).json["data"]["id"])
    api.post(f"workflows/{workflow}/publish", {})
    return workflow


def listen(api: Client, workflow: str, ended: Mapping[str, Any]) -> None:
    """Let a workflow start when a run of one that is there by now ends."""
    graph = api.data(f"workflows/{workflow}/draft")["graph"]
    trigger = {"type": "workflow_finished", "config": dict(ended)}
    api.put(f"workflows/{workflow}/draft", {"graph": graph, "triggers": [trigger]})
    api.post(f"workflows/{workflow}/publish", {})


def runs(runtime: Runtime, contact: str) -> int:
    with runtime.unit("worker") as services:
        sql = text("select count(*) from workflow_runs where contact_id = :contact")
        return services.session.execute(sql, {"contact": UUID(contact)}).scalar_one()


def by_ends(api: Client, runtime: Runtime) -> tuple[str, str]:
    """Each starts when a run of the other ends."""
    first = live(api, "Ping", None, node("s", "stop"))
    ended = {"statuses": ["stopped"]}
    second = live(api, "Pong", ("workflow_finished", ended | {"workflow_id": first}), node("s", "stop"))
    listen(api, first, ended | {"workflow_id": second})
    return first, second


def by_tags(api: Client, runtime: Runtime) -> tuple[str, str]:
    """Each takes away the tag that started it and gives the one that starts the other."""

    def one(own: str, other: str) -> str:
        steps = node("r", "remove_tag", tag=own), node("a", "add_tag", tag=other)
        return live(api, own, ("tag_added", {"tag": own}), *steps)

    return one("ping", "pong"), one("pong", "ping")


def by_segments(api: Client, runtime: Runtime) -> tuple[str, str]:
    """One puts contacts into a segment when they leave it, the other takes them out when they enter."""
    condition = {"field": "contact.tags", "op": "has", "value": "ping"}
    segment = api.post("segments", {"name": "Ping", "condition": condition}).json["data"]["id"]

    def built() -> bool:
        settle(runtime)
        return bool(api.data(f"segments/{segment}")["status"] == "ready")

    until(built, 60)
    which = {"segment_id": segment}
    inside = live(api, "In", ("segment_left", which), node("a", "add_tag", tag="ping"))
    return inside, live(api, "Out", ("segment_entered", which), node("r", "remove_tag", tag="ping"))


@pytest.mark.parametrize("how", [by_ends, by_tags, by_segments])
def test_a_ring_of_workflows_is_stopped_and_told(
    api: Client, runtime: Runtime, tenant: Tenant, how: Any
) -> None:
    first, second = how(api, runtime)
    for _day in range(2):
        ada = person(runtime, tenant)
        settle(runtime)
        api.post(f"workflows/{first}/enrol", {"contact_ids": [ada]})
        settle(runtime)
        assert runs(runtime, ada) == MOST + 1
    refused = only(api, ada, second)["because"] + only(api, ada, first)["because"]
    assert sum(f"the run number {MOST + 1} in a row" in each for each in refused) == 1
    told = [each["title"] for each in api.data("notifications")]
    assert len(told) == 1 and "is started round and round" in told[0], "once a day"


def test_a_ring_that_takes_its_time_goes_on(api: Client, runtime: Runtime, tenant: Tenant) -> None:
    daily = live(api, "Daily", None, node("w", "wait", amount=1, unit="days"))
    listen(api, daily, {"workflow_id": daily})
    ada = person(runtime, tenant)
    api.post(f"workflows/{daily}/enrol", {"contact_ids": [ada]})
    clock = runtime.clock = FixedClock(Clock().now())
    try:
        for days in range(1, MOST + 4):
            settle(runtime)
            clock.advance(timedelta(days=1))
            assert runs(runtime, ada) == days
    finally:
        runtime.clock = Clock()
