"""Workflows over HTTP: drawn, checked, published, started, paused, carried elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.businesses.models import Contact
from autoloop.engine.models import WorkflowTrigger
from tests.factories import Client, Tenant

EXAMPLE = Path(__file__).parents[2] / "examples" / "workflows" / "three-step-outreach.json"


def node(name: str, kind: str, **config: object) -> dict:
    return {"id": name, "type": kind, "config": config}


def edge(source: str, port: str, target: str) -> dict:
    return {"from": source, "port": port, "to": target}


GRAPH = {
    "schema": 1,
    "nodes": [node("hold", "wait", amount=1, unit="days"), node("tag", "add_tag", tag="seen")],
    "edges": [edge("hold", "next", "tag")],
    "settings": {"reentry": "once"},
}
BROKEN = {
    "schema": 1,
    "nodes": [node("hold", "wait", amount="soon"), node("gone", "no_such_step")],
    "edges": [edge("hold", "next", "gone"), edge("hold", "sideways", "gone")],
}


@pytest.fixture
def contacts(runtime: Runtime, tenant: Tenant) -> list[str]:
    ids = [new_id() for _ in range(5)]
    with runtime.unit("web", tenant.id) as services:
        for index, id in enumerate(ids):
            tags = ["vip"] if index < 2 else []
            services.session.add(Contact(workspace_id=tenant.id, id=id, first_name=f"P{index}", tags=tags))
    return [str(id) for id in ids]


def make(api: Client, **given: object) -> str:
    return api.post("workflows", {"name": "Welcome", "graph": GRAPH} | given).json["data"]["id"]


def test_from_an_empty_draft_to_runs(api: Client, contacts: list[str], runtime: Runtime, tenant: Tenant):
    made = api.post("workflows", {"name": "  Welcome  "}, status=201).json["data"]
    assert (made["name"], made["status"], made["version"], made["has_changes"]) == (
        "Welcome",
        "draft",
        None,
        True,
    )
    place = f"workflows/{made['id']}"
    assert api.post(f"{place}/@@publish", {}, status=400).json["details"] == {
        "nodes": ["There is no step yet."]
    }

    triggers = [{"type": "manual", "config": {}}, {"type": "event", "config": {"event": "order.paid"}}]
    saved = api.put(f"{place}/draft", {"graph": GRAPH, "triggers": triggers}).json["data"]
    assert saved["graph"] == GRAPH
    assert api.post(f"{place}/@@check").json["data"] == {"ok": True, "problems": []}

    api.post(f"{place}/@@enrol", {"all": True}, status=409)
    assert api.post(f"{place}/@@publish", {"note": "First"}).json["data"]["number"] == 1
    shown = api.data(place)
    assert (shown["status"], shown["is_active"], shown["version"], shown["has_changes"]) == (
        "live",
        True,
        1,
        False,
    )
    assert [each["event_name"] for each in api.data(f"{place}/triggers")] == [None, "order.paid"]

    by_tag = api.post(f"{place}/@@enrol", {"tag": "vip"}).json["data"]
    assert by_tag == {"started": 2, "skipped": [], "enrolment": None}
    everyone = api.post(f"{place}/@@enrol", {"all": True}).json["data"]
    assert everyone["started"] == 3
    assert everyone["skipped"] == [{"reason": "was_here_before", "count": 2}]
    strangers = api.post(f"{place}/@@enrol", {"contact_ids": [str(uuid4()), contacts[0]]}).json["data"]
    assert strangers["started"] == 0

    stats = api.data(f"{place}/stats")
    assert stats["total"] == 5
    assert stats["runs"]["active"] == 5
    assert stats["nodes"]["hold"]["here"] == 5


def test_two_people_editing_one_draft_do_not_overwrite_each_other(api: Client):
    place = f"workflows/{make(api)}/draft"
    read = api.get(place)
    first = api.put(place, {"graph": GRAPH | {"settings": {}}}, headers={"If-Match": read.headers["ETag"]})
    api.put(place, {"graph": GRAPH}, headers={"If-Match": read.headers["ETag"]}, status=412)
    assert api.data(place)["graph"]["settings"] == {}
    api.put(place, {"graph": GRAPH}, headers={"If-Match": first.headers["ETag"]})
    again = api.get(place)
    assert api.get(place, headers={"If-None-Match": again.headers["ETag"]}, status=304).body == b""


def test_the_check_names_each_problem_and_its_place(api: Client):
    id = make(api, graph=BROKEN, triggers=[{"type": "event", "config": {}}])
    answer = api.post(f"workflows/{id}/check").json["data"]
    assert not answer["ok"]
    found = {(each["code"], each["node"], each["field"]) for each in answer["problems"]}
    assert found >= {
        ("CONFIG", "hold", "config.amount"),
        ("UNKNOWN_STEP", "gone", "type"),
        ("CONFIG", None, "triggers.0.config.event"),
    }
    assert api.post(f"workflows/{id}/check", {"graph": GRAPH, "triggers": []}).json["data"]["ok"]


def test_versions_stay_as_they_were_published(api: Client):
    id = make(api)
    api.post(f"workflows/{id}/publish")
    other = GRAPH | {
        "nodes": [*GRAPH["nodes"], node("end", "stop")],
        "edges": [*GRAPH["edges"], edge("tag", "next", "end")],
    }
    api.put(f"workflows/{id}/draft", {"graph": other})
    assert api.data(f"workflows/{id}")["has_changes"] is True
    assert api.post(f"workflows/{id}/publish").json["data"]["number"] == 2
    assert api.post(f"workflows/{id}/publish").json["data"]["number"] == 2  # nothing new, no version
    versions = api.data(f"workflows/{id}/versions")
    assert [(each["number"], each["is_live"]) for each in versions] == [(2, True), (1, False)]
    first = api.data(f"workflows/{id}/versions/1")["graph"]
    assert [each.pop("config_version") for each in first["nodes"]] == [1] * len(GRAPH["nodes"])
    assert first == GRAPH
    for wrong in ("3", "0", "01", "-1", "x", "99999999999"):
        api.get(f"workflows/{id}/versions/{wrong}", status=404)


def test_a_trigger_that_stays_keeps_its_id(api: Client, runtime: Runtime, tenant: Tenant):
    paid, made = (
        {"type": "event", "config": {"event": "order.paid"}},
        {"type": "contact_created", "config": {}},
    )
    id = make(api, triggers=[paid, made])
    api.post(f"workflows/{id}/publish")
    before = {each["type"]: each["id"] for each in api.data(f"workflows/{id}/triggers")}
    api.put(f"workflows/{id}/draft", {"graph": GRAPH, "triggers": [paid, {"type": "manual"}]})
    api.post(f"workflows/{id}/publish")
    after = {each["type"]: each["id"] for each in api.data(f"workflows/{id}/triggers")}
    assert after["event"] == before["event"]
    assert set(after) == {"event", "manual"}
    with runtime.unit("web", tenant.id) as services:
        kept = services.session.query(WorkflowTrigger).order_by(WorkflowTrigger.id)
        assert [(each.type, each.is_active) for each in kept] == [
            ("event", True),
            ("contact_created", False),
            ("manual", True),
        ]


def test_pause_resume_archive_restore(api: Client, contacts: list[str]):
    id = make(api)
    api.post(f"workflows/{id}/pause", status=409)
    api.post(f"workflows/{id}/publish")
    assert api.post(f"workflows/{id}/pause").json["data"]["status"] == "paused"
    assert api.post(f"workflows/{id}/enrol", {"all": True}, status=409).json["code"] == "WORKFLOW_NOT_LIVE"
    api.post(f"workflows/{id}/publish")
    assert api.data(f"workflows/{id}")["status"] == "paused"  # publishing does not start what was stopped
    assert api.post(f"workflows/{id}/resume").json["data"]["is_active"] is True
    assert api.post(f"workflows/{id}/archive").json["data"]["status"] == "archived"
    assert api.post(f"workflows/{id}/publish", status=409).json["code"] == "WORKFLOW_ARCHIVED"
    draft = api.data(f"workflows/{id}/draft")
    refused = api.put(f"workflows/{id}/draft", {"graph": draft["graph"] | {"settings": {}}}, status=409).json
    assert refused["code"] == "WORKFLOW_ARCHIVED" and "Restore it" in refused["error"]
    api.post(f"workflows/{id}/versions/1/restore", status=409)
    assert api.data(f"workflows/{id}/draft")["revision"] == draft["revision"]
    assert id not in [each["id"] for each in api.data("workflows")]
    assert id in [each["id"] for each in api.data("workflows?status=archived")]
    restored = api.post(f"workflows/{id}/restore").json["data"]
    assert (restored["status"], restored["has_changes"]) == ("draft", True)
    assert api.delete(f"workflows/{id}", status=409).json["code"] == "WORKFLOW_HAS_HISTORY"


def test_only_the_draft_that_was_looked_at_is_published(api: Client):
    id = make(api)
    seen = api.get(f"workflows/{id}/draft").headers["ETag"]
    other = {"graph": api.data(f"workflows/{id}/draft")["graph"] | {"settings": {"reentry": "always"}}}
    api.put(f"workflows/{id}/draft", other)
    late = api.post(f"workflows/{id}/publish", headers={"If-Match": seen}, status=412).json
    assert late["code"] == "CHANGED_MEANWHILE"
    now = api.get(f"workflows/{id}/draft").headers["ETag"]
    assert api.post(f"workflows/{id}/publish", headers={"If-Match": now}).json["data"]["number"] == 1


def test_a_workflow_goes_out_and_comes_in_again(api: Client):
    held = json.loads(EXAMPLE.read_text())
    own = str(uuid4())
    id = api.post("workflows/@@import", {"workflow": held}, status=201).json["data"]["id"]
    assert api.data(f"workflows/{id}/@@export") == held
    old = held["graph"]["nodes"][0]["config"]["template_id"]
    changed = api.post("workflows/import", {"workflow": held, "use": {old: own}}, status=201).json["data"][
        "id"
    ]
    assert api.data(f"workflows/{changed}/draft")["graph"]["nodes"][0]["config"]["template_id"] == own
    name = held["name"]
    for use in ({name: ""}, {old: None}, {old: [own]}, {"odd": own}, {old: "odd"}):
        body = {"workflow": held, "use": use}
        (place,) = api.post("workflows/import", body, status=400).json["details"]
        assert place.startswith("use.")
    api.post(f"workflows/{id}/duplicate", {"name": "  "}, status=400)
    copy = api.post(f"workflows/{id}/duplicate", {"name": "Mine"}, status=201).json["data"]
    assert (copy["name"], copy["status"]) == ("Mine", "draft")
    assert api.data(f"workflows/{copy['id']}/draft")["graph"] == held["graph"]


def test_the_list_is_cached_until_something_changes(api: Client):
    for name in ("Alpha", "Beta", "Gamma 100%"):
        make(api, name=name)
    assert api.get("workflows").headers["X-Cache"] == "miss"
    assert api.get("workflows").headers["X-Cache"] == "hit"
    first = api.get("workflows", sort="name", limit=2).json
    assert [each["name"] for each in first["data"]] == ["Alpha", "Beta"]
    assert first["page"]["total"] == 3
    rest = api.get("workflows", sort="name", limit=2, cursor=first["page"]["next"]).json
    assert [each["name"] for each in rest["data"]] == ["Gamma 100%"]
    assert [each["name"] for each in api.data("workflows", q="100%")] == ["Gamma 100%"]
    id = rest["data"][0]["id"]
    api.patch(f"workflows/{id}", {"name": " Delta ", "description": "What for"})
    api.patch(f"workflows/{id}", {"name": "  "}, status=400)
    assert api.data(f"workflows/{id}")["description"] == "What for"
    assert api.patch(f"workflows/{id}", {"description": ""}).json["data"]["description"] == ""
    answer = api.get("workflows", sort="-name", limit=1)
    assert (answer.headers["X-Cache"], answer.json["data"][0]["name"]) == ("miss", "Delta")
    api.delete(f"workflows/{id}", status=204)
    assert len(api.data("workflows")) == 2


def test_the_steps_and_triggers_of_the_installation_are_listed_with_their_forms(api: Client):
    steps = {each["name"]: each for each in api.data("step-types")}
    assert steps["send_email"]["ports"] == ["sent", "failed", "skipped"]
    assert steps["branch"]["ports"] == ["yes", "no"]
    assert steps["wait"]["form"]["properties"]["amount"]["type"] == "number"
    assert (steps["webhook"]["kind"], steps["wait"]["family"]) == ("action", "timing")
    triggers = {each["name"]: each for each in api.data("trigger-types")}
    assert triggers["event"]["form"]["required"] == ["event"]


def test_a_step_whose_template_is_gone_keeps_the_workflow_from_being_published(api: Client):
    template = api.post("templates", {"name": "Hi", "subject": "Hi", "source": "<p>Hi</p>"}).json["data"][
        "id"
    ]
    graph = {"nodes": [node("mail", "send_email", template_id=template)], "edges": []}
    id = make(api, graph=graph)
    assert api.post(f"workflows/{id}/check").json["data"]["ok"]
    for missing in (str(uuid4()), template.replace("-", "")):
        gone = {"nodes": [node("mail", "send_email", template_id=missing)], "edges": []}
        found = api.post(f"workflows/{id}/check", {"graph": gone}).json["data"]["problems"]
        assert [each["code"] for each in found] == (["MISSING_TEMPLATE"] if "-" in missing else [])
    api.put(
        f"workflows/{id}/draft",
        {"graph": gone | {"nodes": [node("mail", "send_email", template_id=str(uuid4()))]}},
    )
    answer = api.post(f"workflows/{id}/publish", status=400).json
    assert answer["details"] == {
        "nodes.mail.config.template_id": ["There is no template with this id any more."]
    }
