"""Runs moved from one version to another: told first, done part by part, and none is lost on the way."""

from __future__ import annotations

from typing import Any

import pytest

from autoloop.base.runtime import Runtime
from autoloop.engine.models import RunAction, RunWait
from tests.factories import Client, Tenant, make_key, make_tenant
from tests.functional.browser import Browser
from tests.functional.test_bulk import people, turn
from tests.functional.test_workflows import edge, node

FIRST = {
    "schema": 1,
    "nodes": [node("hold", "wait", amount=5, unit="days"), node("mark", "add_tag", tag="first")],
    "edges": [edge("hold", "next", "mark")],
}
PAID = {"event": "order.paid"}


def graph_of(*nodes: dict[str, Any], ways: tuple[tuple[str, str, str], ...] = ()) -> dict[str, Any]:
    return {"schema": 1, "nodes": list(nodes), "edges": [edge(*way) for way in ways]}


def begun(
    api: Client, runtime: Runtime, first: dict[str, Any], second: dict[str, Any], count: int = 1
) -> str:
    """A workflow whose runs began in version 1 when version 2 is published."""
    flow = str(api.post("workflows", {"name": "Moved", "graph": first}).json["data"]["id"])
    api.post(f"workflows/{flow}/publish")
    api.post(f"workflows/{flow}/enrol", {"contact_ids": people(api, count)})
    turn(runtime, "advance")
    api.put(f"workflows/{flow}/draft", {"graph": second})
    api.post(f"workflows/{flow}/publish")
    return flow


def move(api: Client, runtime: Runtime, flow: str, **body: Any) -> Any:
    told = api.post(f"workflows/{flow}/versions/2/move", {"dry_run": False, **body}, status=202).json["data"]
    turn(runtime)
    job = api.data(f"runs/jobs/{told['job']}")
    assert job["status"] == "done" and job["changed"] == told["moves"], job
    return job


def pay(api: Client, run: dict[str, Any]) -> None:
    api.post("events", {"events": [{"name": "order.paid", "contact_id": run["contact_id"]}]})


def test_what_kept_id_and_type_goes_on_where_it_was(api: Client, runtime: Runtime) -> None:
    later = graph_of(
        node("hold", "wait", amount=9, unit="days"),
        node("new", "add_tag", tag="second"),
        ways=(("hold", "next", "new"),),
    )
    flow = begun(api, runtime, FIRST, later, 3)
    told = api.post(f"workflows/{flow}/versions/2/move", {}).json["data"]
    assert (told["runs"], told["moves"], told["stays"], told["job"]) == (3, 3, 0, None)
    assert told["places"] == [
        {"version": 1, "node": "hold", "type": "wait", "to": "hold", "to_type": "wait", "count": 3}
    ]
    before = api.data(f"runs/{api.data('runs', workflow_id=flow)[0]['id']}")
    move(api, runtime, flow)
    run = api.data(f"runs/{before['id']}")
    assert run["version_id"] != before["version_id"] and run["status"] == "waiting"
    assert run["positions"] == before["positions"] and run["due_at"] == before["due_at"]
    assert [step["outcome"] for step in api.data(f"runs/{run['id']}/steps")] == ["moved"]
    again = api.post(f"workflows/{flow}/versions/2/move", {}).json["data"]
    assert again["runs"] == 0


def test_a_step_that_is_gone_keeps_its_runs_unless_the_map_says_where(api: Client, runtime: Runtime) -> None:
    flow = begun(api, runtime, FIRST, graph_of(node("new", "add_tag", tag="second")), 2)
    told = api.post(f"workflows/{flow}/versions/2/move", {"from": 1}).json["data"]
    assert told["moves"] == 0 and told["left"] == [
        {"version": 1, "node": "hold", "reason": "no_step_to_go_to", "count": 2}
    ]
    job = move(api, runtime, flow)
    assert job["skipped"] == {"no_step_to_go_to": 2} and job["changed"] == 0
    move(api, runtime, flow, map={"hold": "new"})
    assert {run["status"] for run in api.data("runs", workflow_id=flow)} == {"completed"}
    tags = [contact["tags"] for contact in api.data("contacts")]
    assert tags == [["second"]] * 2


def test_a_renamed_wait_hears_its_event_by_the_old_name_too(
    api: Client, runtime: Runtime, tenant: Tenant
) -> None:
    first = graph_of(node("pay", "wait_for_event", **PAID))
    later = graph_of(
        node("paid", "wait_for_event", **PAID),
        node("new", "add_tag", tag="payer"),
        ways=(("paid", "next", "new"),),
    )
    flow = begun(api, runtime, first, later, 2)
    early, late = api.data("runs", workflow_id=flow, sort="started_at")
    # Routing has found the wait by its old name when the run is moved: the worst moment.
    pay(api, early)
    turn(runtime, "route")
    told = api.post(
        f"workflows/{flow}/versions/2/move", {"dry_run": False, "map": {"pay": "paid"}}, status=202
    )
    turn(runtime, "bulk")
    assert told.json["data"]["moves"] == 2
    with runtime.unit("worker") as services:
        rows = services.session.query(RunWait).filter_by(workspace_id=tenant.id).all()
        assert {row.node for row in rows} == {"paid"}
    turn(runtime, "advance")
    assert api.data(f"runs/{early['id']}")["status"] == "completed"
    assert api.data(f"runs/{late['id']}")["status"] == "waiting"
    pay(api, late)
    turn(runtime, "route", "advance")
    assert api.data(f"runs/{late['id']}")["status"] == "completed"


def test_an_answer_under_way_needs_the_same_kind_of_step(
    api: Client, runtime: Runtime, tenant: Tenant
) -> None:
    call = {"method": "GET", "url": "https://example.com/"}
    later = graph_of(node("ask", "http_request", **call), node("hold", "wait", amount=1, unit="days"))
    later["settings"] = {"start": "ask"}
    later["edges"] = [edge("ask", "ok", "hold")]
    flow = begun(api, runtime, graph_of(node("call", "http_request", **call)), later)
    told = api.post(f"workflows/{flow}/versions/2/move", {"map": {"call": "hold"}}).json["data"]
    assert [each["reason"] for each in told["left"]] == ["its_answer_is_under_way"]
    move(api, runtime, flow, map={"call": "ask"})
    with runtime.unit("worker") as services:
        (action,) = services.session.query(RunAction).filter_by(workspace_id=tenant.id)
        assert action.node == "ask"


def test_a_goal_listens_in_the_new_version(api: Client, runtime: Runtime) -> None:
    later = graph_of(
        node("hold", "wait", amount=5, unit="days"),
        node("won", "goal", event="order.paid"),
        node("new", "add_tag", tag="won"),
        ways=(("hold", "next", "won"), ("won", "next", "new")),
    )
    later["settings"] = {"start": "hold"}
    problems = api.post(
        f"workflows/{api.post('workflows', {'name': 'G', 'graph': later}).json['data']['id']}/check"
    ).json["data"]["problems"]
    if any(each["severity"] == "error" for each in problems):
        pytest.fail(str(problems))
    flow = begun(api, runtime, FIRST, later)
    move(api, runtime, flow)
    (run,) = api.data("runs", workflow_id=flow)
    pay(api, run)
    turn(runtime, "route", "advance")
    assert api.data(f"runs/{run['id']}")["status"] == "completed"


def test_paused_runs_move_and_stay_paused(api: Client, runtime: Runtime) -> None:
    flow = begun(api, runtime, FIRST, graph_of(node("new", "add_tag", tag="second")))
    (run,) = api.data("runs", workflow_id=flow)
    api.post(f"runs/{run['id']}/pause")
    move(api, runtime, flow, map={"hold": "new"})
    assert api.data(f"runs/{run['id']}")["status"] == "paused"
    api.post(f"runs/{run['id']}/resume")
    turn(runtime, "advance")
    assert api.data(f"runs/{run['id']}")["status"] == "completed"


def test_a_map_that_cannot_be_used_is_refused(
    api: Client, runtime: Runtime, wsgi: object, tenant: Tenant
) -> None:
    flow = begun(api, runtime, FIRST, FIRST | {"settings": {"reentry": "always"}})
    place = f"workflows/{flow}/versions/2/move"
    for body, field in [
        ({"map": {"nowhere": "hold"}}, "map.nowhere"),
        ({"map": {"hold": "nowhere"}}, "map.hold"),
        ({"map": {"hold": 5}}, "map.hold"),
        ({"from": 2}, "from"),
        ({"from": 7}, "from"),
    ]:
        assert field in api.post(place, body, status=400).json["details"]
    api.post(f"workflows/{flow}/versions/9/move", {}, status=404)
    api.post("runs/bulk", {"verb": "move", "filter": {}}, status=400)  # only with a map
    other = make_tenant(runtime)
    Client(wsgi, other.slug, other.key).post(place, {}, status=404)
    reader = Client(wsgi, tenant.slug, make_key(runtime, tenant.id, tenant.user_id, "read"))
    reader.post(place, {}, status=403)


def test_the_page_shows_who_would_go_where_and_moves_them(
    api: Client, runtime: Runtime, wsgi: object, tenant: Tenant
) -> None:
    flow = begun(api, runtime, FIRST, graph_of(node("new", "add_tag", tag="second")), 2)
    browser = Browser(wsgi, runtime, tenant.user_id)
    place = f"/w/{tenant.slug}/workflows/{flow}/versions/2"
    assert "Move runs to it" in browser.get(f"{place}/").text
    asked = browser.get(f"{place}/move?from=1").text
    assert "no step to go to" in asked and "Move 2 runs" not in asked
    assert "Move 2 runs" in browser.get(f"{place}/move?from=1&map.hold=new").text
    assert "does not have this step" in browser.get(f"{place}/move?map.hold=odd", status=422).text
    assert browser.get(f"{place}/move?from=x&map.what=new&map.hold=").status_int == 200
    answer = browser.post(f"{place}/move", **{"from": "1", "map.hold": "new"})
    assert "0 of 2" in answer.follow().text
    turn(runtime)
    told = browser.get(answer.location.partition("localhost")[2]).text
    assert "2 of 2" in told and "Nobody is there to move" in told
    assert {run["status"] for run in api.data("runs", workflow_id=flow)} == {"completed"}


def test_a_renamed_step_hears_of_the_run_that_it_started(api: Client, runtime: Runtime) -> None:
    inner = str(api.post("workflows", {"name": "Inner", "graph": FIRST}).json["data"]["id"])
    api.post(f"workflows/{inner}/publish")
    first = graph_of(node("other", "sub_workflow", workflow_id=inner))
    later = graph_of(
        node("another", "sub_workflow", workflow_id=inner),
        node("new", "add_tag", tag="second"),
        ways=(("another", "next", "new"),),
    )
    flow = begun(api, runtime, first, later, 2)
    move(api, runtime, flow, map={"other": "another"})
    ended, gone = api.data("runs", workflow_id=inner)
    api.post(f"runs/{ended['id']}/cancel")
    turn(runtime)
    states = {run["contact_id"]: run["status"] for run in api.data("runs", workflow_id=flow)}
    assert states == {ended["contact_id"]: "completed", gone["contact_id"]: "waiting"}
