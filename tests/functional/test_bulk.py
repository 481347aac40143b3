"""Acts on many runs: found by a filter, done part by part, stopped, undone, and never done twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from autoloop.base.runtime import Runtime
from autoloop.engine.services import bulk
from tests.factories import Client, Tenant, make_key, make_tenant

GRAPH = {
    "schema": 1,
    "nodes": [
        {"id": "hold", "type": "wait", "config": {"amount": 5, "unit": "days"}},
        {"id": "end", "type": "add_tag", "config": {"tag": "walked"}},
    ],
    "edges": [{"from": "hold", "port": "next", "to": "end"}],
}
NOBODY = "01a20000-0000-7000-8000-000000000000"
SEATS = {"set": [{"field": "fields.seats", "value": "{{ contact.last_name }}"}]}
BROKEN = {"schema": 1, "nodes": [{"id": "bad", "type": "update_contact", "config": SEATS}], "edges": []}


def turn(runtime: Runtime, *kinds: str) -> None:
    for kind in kinds or ("bulk", "advance"):
        while runtime.registrations.due_kinds[kind].work(runtime):
            pass


def people(api: Client, count: int, **values: Any) -> list[str]:
    made = [
        api.post("contacts", {"first_name": "Ada", "last_name": f"Walker{n}", **values}) for n in range(count)
    ]
    return [answer.json["data"]["id"] for answer in made]


def live(api: Client, graph: dict[str, Any] = GRAPH, name: str = "Held") -> str:
    id = api.post("workflows", {"name": name, "graph": graph}).json["data"]["id"]
    api.post(f"workflows/{id}/publish", {})
    return str(id)


@pytest.fixture
def flow(api: Client, runtime: Runtime) -> str:
    """A live workflow with 7 runs that wait, 3 of them of contacts tagged vip."""
    id = live(api)
    ids = [*people(api, 4), *people(api, 3, tags=["vip"])]
    api.post(f"workflows/{id}/enrol", {"contact_ids": ids})
    turn(runtime, "advance")
    return id


def statuses(api: Client, flow: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in api.data("runs", workflow_id=flow):
        found[row["status"]] = found.get(row["status"], 0) + 1
    return found


def test_a_dry_run_counts_and_the_real_one_does_it_to_those_and_no_others(api, runtime, flow) -> None:
    asked = {"verb": "cancel", "filter": {"workflow_id": flow, "tag": "vip"}}
    told = api.post("runs/bulk", asked | {"dry_run": True}, status=200).json["data"]
    assert (told["id"], told["status"], told["total"]) == (None, "dry_run", 3)
    assert statuses(api, flow) == {"waiting": 7}
    job = api.post("runs/bulk", asked, status=200).json["data"]
    assert (job["status"], job["total"], job["seen"]) == ("going", 3, 0)
    turn(runtime)
    done = api.data(f"runs/jobs/{job['id']}")
    assert (done["status"], done["seen"], done["changed"], done["skipped"]) == ("done", 3, 3, {})
    assert statuses(api, flow) == {"waiting": 4, "cancelled": 3}
    again = api.post("runs/bulk", asked, status=200).json["data"]
    assert (again["status"], again["total"], again["skipped"]) == ("done", 0, {"other_status": 3})
    assert [row["id"] for row in api.data("runs/jobs")] == [again["id"], job["id"]]
    assert len(api.data(f"workflows/{flow}/runs/jobs")) == 2


def test_a_killed_part_is_done_again_and_once_and_nobody_is_passed_over(
    api, runtime, flow, monkeypatch
) -> None:
    monkeypatch.setattr(bulk, "PART", 2)
    job = api.post("runs/bulk", {"verb": "rerun", "filter": {"workflow_id": flow}}, status=200).json["data"]
    assert job["status"] == "done"  # none of them is over yet
    turn(runtime)
    api.post("runs/bulk", {"verb": "cancel", "filter": {"workflow_id": flow}})
    assert bulk.work(runtime) == 2

    def dies(*_given: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(bulk, "_end", dies)
        patch.setattr(bulk.Runs, "_values", dies)
        bulk.work(runtime)
    assert statuses(api, flow) == {"waiting": 5, "cancelled": 2}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: bulk.work(runtime), range(8)))
    turn(runtime)
    job = api.post("runs/bulk", {"verb": "rerun", "filter": {"workflow_id": flow}}).json["data"]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: bulk.work(runtime), range(8)))
    turn(runtime)
    assert statuses(api, flow) == {"waiting": 7, "cancelled": 7}
    assert api.data(f"runs/jobs/{job['id']}")["changed"] == 7


def test_a_pause_is_undone_but_for_those_that_somebody_held_otherwise(api, runtime, flow) -> None:
    first = api.data("runs", workflow_id=flow)[0]["id"]
    api.post(f"runs/{first}/pause")
    job = api.post("runs/bulk", {"verb": "pause", "filter": {"node": "hold"}}).json["data"]
    turn(runtime)
    assert statuses(api, flow) == {"paused": 7}
    undone = api.post(f"runs/jobs/{job['id']}/undo", status=202).json["data"]
    assert (undone["verb"], undone["undo_of"], undone["total"]) == ("resume", job["id"], 6)
    turn(runtime)
    assert statuses(api, flow) == {"waiting": 6, "paused": 1}
    assert api.post(f"runs/jobs/{undone['id']}/undo", status=409).json["code"] == "NOTHING_TO_UNDO"


def test_a_job_can_be_stopped_between_its_parts(api, runtime, flow, monkeypatch) -> None:
    monkeypatch.setattr(bulk, "PART", 2)
    job = api.post("runs/bulk", {"verb": "cancel", "filter": {"workflow_id": flow}}).json["data"]
    bulk.work(runtime)
    stopped = api.post(f"runs/jobs/{job['id']}/stop").json["data"]
    assert (stopped["status"], stopped["seen"], stopped["changed"]) == ("stopped", 2, 2)
    turn(runtime)
    assert statuses(api, flow) == {"waiting": 5, "cancelled": 2}
    assert api.post(f"runs/jobs/{job['id']}/stop", status=409).json["code"] == "JOB_OVER"


def test_a_job_that_always_fails_stops_and_holds_up_no_other(api, runtime, flow, monkeypatch) -> None:
    monkeypatch.setattr(bulk, "REST", bulk.REST * 0)
    job = api.post("runs/bulk", {"verb": "cancel", "filter": {"workflow_id": flow}}).json["data"]

    def breaks(*_given: Any) -> None:
        raise ValueError("of a plugin")

    with monkeypatch.context() as patch:
        patch.setattr(bulk, "_do", breaks)
        turn(runtime, "bulk")
    assert api.data(f"runs/jobs/{job['id']}")["status"] == "stopped"
    assert statuses(api, flow) == {"waiting": 7}


def test_failed_runs_are_tried_again_and_runs_that_are_over_begin_anew(api, runtime) -> None:
    api.post("fields", {"key": "seats", "title": "Seats", "kind": "number"})
    flow = live(api, BROKEN, "Broken")
    who = people(api, 3)
    api.post(f"workflows/{flow}/enrol", {"contact_ids": who})
    turn(runtime)
    assert statuses(api, flow) == {"failed": 3}
    api.post("runs/bulk", {"verb": "retry", "filter": {"status": "failed"}})
    turn(runtime)
    assert statuses(api, flow) == {"failed": 3}  # tried, and failed again
    old = api.data("runs", workflow_id=flow)[0]
    assert [step["outcome"] for step in api.data(f"runs/{old['id']}/steps")] == [
        "failed",
        "retried",
        "failed",
    ]

    new = api.post(f"runs/{old['id']}/rerun", status=201).json["data"]
    assert (new["contact_id"], new["status"], new["steps"]) == (old["contact_id"], "active", 0)
    assert new["id"] != old["id"]
    refused = api.post(f"runs/{new['id']}/rerun", status=409).json
    assert (refused["code"], refused["details"]) == ("RUN_NOT_RERUNNABLE", {"reason": ["still_going"]})
    assert api.post(f"runs/{old['id']}/rerun", status=409).json["details"]["reason"] == ["is_in_it_now"]
    turn(runtime)
    api.patch(f"contacts/{who[0]}", {"status": "archived"})
    job = api.post("runs/bulk", {"verb": "rerun", "filter": {"workflow_id": flow}}).json["data"]
    turn(runtime, "bulk")
    done = api.data(f"runs/jobs/{job['id']}")
    assert (done["total"], done["changed"]) == (4, 2)
    assert sum(done["skipped"].values()) == 2
    assert "archived" in done["skipped"]
    turn(runtime)
    api.post(f"workflows/{flow}/pause")
    assert api.post(f"runs/{old['id']}/rerun", status=409).json["details"]["reason"] == ["workflow_not_live"]


def test_failed_runs_of_a_workflow_that_is_put_away_stay_to_be_tried_again(api, runtime) -> None:
    api.post("fields", {"target": "contact", "key": "seats", "title": "Seats", "kind": "number"})
    flow = api.post("workflows", {"name": "Broken", "graph": BROKEN}).json["data"]["id"]
    api.post(f"workflows/{flow}/publish")
    api.post(f"workflows/{flow}/enrol", {"contact_ids": people(api, 1)})
    turn(runtime)
    (run,) = api.data("runs")
    api.post(f"workflows/{flow}/archive")
    turn(runtime)
    refused = api.post(f"runs/{run['id']}/retry", status=409).json
    assert refused["code"] == "WORKFLOW_NOT_LIVE" and "restore" in refused["error"]
    job = api.post("runs/bulk", {"verb": "retry"}).json["data"]["id"]
    turn(runtime)
    assert api.data(f"runs/jobs/{job}")["skipped"] == {"cannot_be_retried": 1}
    assert api.data(f"runs/{run['id']}")["status"] == "failed"
    api.post(f"workflows/{flow}/restore")
    api.post(f"runs/{run['id']}/retry", status=409)
    api.post(f"workflows/{flow}/publish")
    assert api.post(f"runs/{run['id']}/retry").json["data"]["status"] == "active"


def test_runs_are_found_by_version_and_by_when_they_began(api, runtime, flow) -> None:
    changed = {**GRAPH, "nodes": [{**GRAPH["nodes"][0], "note": "Longer"}, GRAPH["nodes"][1]]}
    api.put(f"workflows/{flow}/draft", {"graph": changed})
    api.post(f"workflows/{flow}/publish", {})
    api.post(f"workflows/{flow}/enrol", {"contact_ids": people(api, 1)})
    assert len(api.data("runs", workflow_id=flow, version=1)) == 7
    assert len(api.data("runs", workflow_id=flow, version=2)) == 1
    newest = api.data("runs", workflow_id=flow)[0]
    assert len(api.data("runs", workflow_id=flow, started_before=newest["started_at"])) == 7
    assert api.data("runs", node="nowhere") == []
    assert len(api.data("runs", tag="vip")) == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "verb"),
        ({"verb": "explode"}, "verb"),
        ({"verb": "cancel", "filter": {"colour": "red"}}, "colour"),
        ({"verb": "cancel", "filter": {"paused_with": "x"}}, "paused_with"),
        ({"verb": "cancel", "filter": {"status": "sleepy"}}, "status"),
        ({"verb": "cancel", "filter": {"workflow_id": 7}}, "workflow_id"),
        ({"verb": "cancel", "filter": {"version": 1}}, "version"),
        ({"verb": "cancel", "filter": {"node": ["a"]}}, "node"),
        ({"verb": "cancel", "filter": {"tag": "x" * 300}}, "tag"),
        ({"verb": "cancel", "filter": {"started_before": "2026-01-01"}}, "started_before"),
        ({"verb": "cancel", "filter": {"workflow_id": NOBODY}, "dry_run": True}, "workflow_id"),
        ({"verb": "cancel", "filter": {"segment": NOBODY}, "dry_run": True}, "segment"),
        ({"verb": "cancel", "filter": {"segment": NOBODY}}, "segment"),
        ({"verb": "cancel", "filter": []}, "filter"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(api, body, field) -> None:
    assert field in api.post("runs/bulk", body, status=400).json["details"]
    assert api.data("runs/jobs") == []


def test_only_who_may_publish_acts_and_no_stranger_finds_the_job(
    wsgi: object, runtime: Runtime, tenant: Tenant, api: Client, flow: str
) -> None:
    job = api.post("runs/bulk", {"verb": "pause", "filter": {"workflow_id": flow}}).json["data"]
    reader = Client(wsgi, tenant.slug, make_key(runtime, tenant.id, tenant.user_id, "read"))
    reader.get(f"runs/jobs/{job['id']}")
    reader.post("runs/bulk", {"verb": "cancel"}, status=403)
    reader.post(f"runs/jobs/{job['id']}/stop", status=403)
    other = make_tenant(runtime)
    stranger = Client(wsgi, other.slug, other.key)
    stranger.get(f"runs/jobs/{job['id']}", status=404)
    body = {"verb": "cancel", "filter": {"workflow_id": flow}}
    assert "workflow_id" in stranger.post("runs/bulk", body, status=400).json["details"]
