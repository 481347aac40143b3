"""From a published draft to runs that end: triggers, pauses and archives, through the real workers."""

from __future__ import annotations

import pytest

from autoloop.base.events import Event, emit
from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.businesses.models import Contact
from tests.factories import Client, Tenant
from tests.functional.test_workflows import edge, node

PAID = {"type": "event", "config": {"event": "order.paid", "match": {"plan": "gold"}}}
GRAPH = {
    "schema": 1,
    "nodes": [
        node("hold", "wait_for_event", event="order.shipped", timeout={"amount": 5, "unit": "days"}),
        node("thank", "add_tag", tag="thanked"),
        node("end", "stop", reason="Done"),
    ],
    "edges": [edge("hold", "next", "thank"), edge("thank", "next", "end")],
    "settings": {"reentry": "always"},
}


def work(runtime: Runtime) -> None:
    """Until nothing is due."""
    kinds = [runtime.registrations.due_kinds[name] for name in ("bulk", "route", "advance")]
    while sum(kind.work(runtime) for kind in kinds):
        pass


def happened(runtime: Runtime, tenant: Tenant, contact: object, name: str, **data: object) -> None:
    with runtime.unit("web", tenant.id) as services:
        emit(services, [Event(tenant.id, name, contact, data)])


@pytest.fixture
def contact(runtime: Runtime, tenant: Tenant) -> object:
    id = new_id()
    with runtime.unit("web", tenant.id) as services:
        services.session.add(Contact(workspace_id=tenant.id, id=id, first_name="Ada"))
    return id


@pytest.fixture
def place(api: Client) -> str:
    given = {"name": "Thanks", "graph": GRAPH, "triggers": [PAID]}
    place = f"workflows/{api.post('workflows', given).json['data']['id']}"
    api.post(f"{place}/publish")
    return place


def test_an_event_starts_a_run_and_another_ends_its_wait(
    api: Client, runtime: Runtime, tenant: Tenant, contact: object, place: str
):
    happened(runtime, tenant, contact, "order.paid", plan="silver")
    happened(runtime, tenant, contact, "order.paid", plan="gold")
    work(runtime)
    assert api.data(f"{place}/stats")["nodes"] == {"hold": {"here": 1, "left": {}}}
    happened(runtime, tenant, contact, "order.shipped")
    work(runtime)
    stats = api.data(f"{place}/stats")
    assert (stats["total"], stats["runs"]["stopped"]) == (1, 1)
    assert stats["nodes"]["hold"] == {"here": 0, "left": {"next": 1}}
    with runtime.unit("web", tenant.id) as services:
        assert services.session.get(Contact, (tenant.id, contact)).tags == ["thanked"]


def test_what_happens_while_paused_counts_when_it_goes_on(
    api: Client, runtime: Runtime, tenant: Tenant, contact: object, place: str
):
    happened(runtime, tenant, contact, "order.paid", plan="gold")
    work(runtime)
    api.post(f"{place}/pause")
    happened(runtime, tenant, contact, "order.shipped")
    happened(runtime, tenant, contact, "order.paid", plan="gold")
    work(runtime)
    stats = api.data(f"{place}/stats")
    assert (stats["total"], stats["runs"]["stopped"]) == (1, 0)
    api.post(f"{place}/resume")
    work(runtime)
    assert api.data(f"{place}/stats")["runs"]["stopped"] == 1


def test_archiving_ends_the_runs(api: Client, runtime: Runtime, tenant: Tenant, contact: object, place: str):
    happened(runtime, tenant, contact, "order.paid", plan="gold")
    work(runtime)
    api.post(f"{place}/archive")
    work(runtime)
    stats = api.data(f"{place}/stats")
    assert stats["total"] == 1
    assert stats["runs"]["cancelled"] == 1
    (job,) = api.data(f"{place}/runs/jobs")
    assert (job["verb"], job["status"], job["changed"]) == ("cancel", "done", 1)


def test_runs_stay_in_the_version_they_began_with(
    api: Client, runtime: Runtime, tenant: Tenant, contact: object, place: str
):
    happened(runtime, tenant, contact, "order.paid", plan="gold")
    work(runtime)
    other = {"nodes": [node("end", "stop")], "edges": []}
    api.put(f"{place}/draft", {"graph": other})
    assert api.post(f"{place}/publish").json["data"]["number"] == 2
    happened(runtime, tenant, contact, "order.shipped")
    work(runtime)
    assert api.data(f"{place}/stats")["nodes"]["thank"]["left"] == {"next": 1}
