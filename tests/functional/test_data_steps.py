"""Steps of data through the real engine: values worked out, effects applied in sets, events that end."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text

from autoloop.base.ids import new_id
from autoloop.businesses.models import Business, Contact, FieldDefinition
from autoloop.workspaces.services import Workspaces
from tests.functional.engine_world import World


@pytest.fixture
def world(runtime: Any, tenant: Any) -> World:
    return World(runtime, tenant.id)


def graph(*nodes: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Steps one after the other; “n1” is the first."""
    named = [{"id": f"n{n}", **node} for n, node in enumerate(nodes, 1)]
    edges = [{"from": a["id"], "port": "next", "to": b["id"]} for a, b in pairwise(named)]
    return {"schema": 1, "nodes": named, "edges": edges, "settings": settings}


def step(kind: str, **config: Any) -> dict[str, Any]:
    return {"type": kind, "config": config}


def define(world: World, target: str, key: str, kind: str) -> None:
    with world.runtime.unit("web", world.workspace_id) as services:
        services.session.add(
            FieldDefinition(
                workspace_id=world.workspace_id, id=new_id(), target=target, key=key, title=key, kind=kind
            )
        )


def test_values_are_worked_out_and_land_in_contact_and_business(world: World) -> None:
    define(world, "contact", "visits", "number")
    define(world, "business", "visits", "number")
    with world.runtime.unit("web", world.workspace_id) as services:
        business = Business(workspace_id=world.workspace_id, id=new_id(), name="Acme", city="Ulm")
        services.session.add(business)
        business_id = business.id
    first, second = world.contacts(2, business_id=business_id, fields={"visits": 3}, tags=["old", "keep"])
    (alone,) = world.contacts(1)
    more = "{{ contact.fields.visits | plus: 1 }}"
    flow = world.workflow(
        graph(
            step("update_contact", set=[{"field": "fields.visits", "value": more}]),
            step("remove_tag", tag="old"),
            step(
                "update_business",
                set=[
                    {"field": "fields.visits", "value": "{{ contact.fields.visits }}"},
                    {"field": "city", "value": "{{ business.city | upcase }}"},
                ],
            ),
        )
    )
    world.enrol(flow, [first, second, alone])
    world.settle()
    with world.runtime.unit("worker") as services:
        contact = services.session.get(Contact, (world.workspace_id, first))
        business = services.session.get(Business, (world.workspace_id, business_id))
        assert (contact.fields, contact.tags) == ({"visits": 4}, ["keep"])
        assert (business.fields, business.city) == ({"visits": 4}, "ULM"), (
            "changes of one turn are seen at once"
        )
    assert world.count("events", "name = 'tag.removed' and data->>'tag' = 'old'") == 2
    assert world.count("workflow_runs", "status = 'completed'") == 3


def test_a_value_of_a_wrong_type_fails_its_run_and_no_other(world: World) -> None:
    define(world, "contact", "age", "number")
    good, bad = world.contacts(1, title="7") + world.contacts(1, title="seven")
    config = {
        "set": [{"field": "title", "value": "set"}, {"field": "fields.age", "value": "{{ contact.title }}"}]
    }
    flow = world.workflow(graph(step("update_contact", **config)))
    world.enrol(flow, [good, bad])
    world.settle()
    with world.runtime.unit("worker") as services:
        rows = dict(
            services.session.execute(
                text("select contact_id, reason from workflow_runs where workspace_id = :w"),
                {"w": world.workspace_id},
            ).all()
        )
        fields = services.session.get(Contact, (world.workspace_id, good)).fields
        assert services.session.get(Contact, (world.workspace_id, bad)).title == "seven", (
            "nothing of it is set"
        )
    assert rows[good] is None and fields == {"age": 7}
    assert "fields.age" in rows[bad] and "number" in rows[bad]


def test_a_workflow_that_starts_itself_comes_to_an_end(world: World) -> None:
    (contact,) = world.contacts(1)
    world.workflow(graph(step("emit_event", event="again"), reentry="always"), ("event", {"event": "again"}))
    world.happen("again", contact)
    world.settle()
    assert world.count("workflow_runs") == 17


def test_runs_wait_for_the_day_of_their_workspace(world: World) -> None:
    with world.runtime.unit("web", world.workspace_id) as services:
        changes = {"timezone": "Asia/Tokyo", "holidays": ["2031-01-06"]}
        services(Workspaces).change(changes)
    (contact,) = world.contacts(1)
    flow = world.workflow(graph(step("wait_until", mode="moment", moment="2031-01-06")))
    world.enrol(flow, [contact])
    world.settle()
    with world.runtime.unit("worker") as services:
        due = services.session.execute(
            text("select due_at from workflow_runs where workspace_id = :w"), {"w": world.workspace_id}
        ).scalar_one()
    assert due == datetime(2031, 1, 6, 0, tzinfo=UTC), "09:00 in Tokyo"


def test_another_contact_is_looked_up(world: World) -> None:
    define(world, "contact", "badge", "number")
    (boss,) = world.contacts(1, first_name="Grace", fields={"badge": 7}, external_id="boss-1")
    with world.runtime.unit("worker") as services:
        address = services.session.get(Contact, (world.workspace_id, boss)).email
    (contact,) = world.contacts(1, fields={}, phone=address.upper())
    title = [{"field": "title", "value": "Of {{ outputs.n1.contact.first_name }}"}]
    asked = (
        {"by": "email", "value": "{{ contact.phone }}"},
        {"by": "external_id", "value": "boss-1"},
        {"by": "fields.badge", "value": "{{ 7 }}"},
    )
    for config in asked:
        made = graph(step("lookup_contact", **config), step("update_contact", set=title))
        made["edges"][0]["port"] = "found"
        run = world.enrol(world.workflow(made), [contact]).started[0]
        world.settle()
        assert world.path(run) == ["n1:found", "n2:next"], config
    with world.runtime.unit("worker") as services:
        assert services.session.get(Contact, (world.workspace_id, contact)).title == "Of Grace"
    for config, path in (
        ({"by": "email", "value": "no address"}, "n1:missing"),
        ({"by": "external_id", "value": "{{ contact.fields.none }}"}, "n1:missing"),
        ({"by": "fields.badge", "value": "seven"}, "n1:failed"),
        ({"by": "fields.none", "value": "1"}, "n1:failed"),
    ):
        run = world.enrol(world.workflow(graph(step("lookup_contact", **config))), [contact]).started[0]
        world.settle()
        assert world.path(run) == [path], config
