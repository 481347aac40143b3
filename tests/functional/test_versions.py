"""Versions compared and taken back, over HTTP and on their page."""

from __future__ import annotations

from sqlalchemy import text

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.workflows.comparing import compare
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.test_workflows import GRAPH, edge, node

LATER = {
    "schema": 1,
    "nodes": [node("hold", "wait", amount=2, unit="days"), node("mark", "add_tag", tag="new")],
    "edges": [edge("hold", "next", "mark")],
    "settings": {"reentry": "always"},
}


def published(api: Client) -> str:
    flow = api.post("workflows", {"name": "Welcome", "graph": GRAPH}).json["data"]["id"]
    api.post(f"workflows/{flow}/publish")
    api.put(f"workflows/{flow}/draft", {"graph": LATER})
    api.post(f"workflows/{flow}/publish")
    return str(flow)


def test_two_versions_are_compared_step_by_step(api: Client) -> None:
    flow = published(api)
    told = api.data(f"workflows/{flow}/versions/1/compare?to=2")
    assert [(step["id"], step["what"]) for step in told["steps"]] == [
        ("hold", "changed"),
        ("tag", "removed"),
        ("mark", "added"),
    ]
    assert told["steps"][0]["fields"] == [{"field": "config.amount", "before": 1, "after": 2}]
    assert told["settings"] == [{"field": "reentry", "before": "once", "after": "always"}]
    assert [(way["what"], way["to"]) for way in told["ways"]] == [("removed", "tag"), ("added", "mark")]
    assert api.data(f"workflows/{flow}/versions/2/compare")["same"] is True  # with the draft
    assert "to" in api.get(f"workflows/{flow}/versions/1/compare?to=9", status=400).json["details"]
    assert api.get(f"workflows/{flow}/versions/9/compare", status=404)


def test_going_back_makes_a_new_version(api: Client) -> None:
    flow = published(api)
    restored = api.post(f"workflows/{flow}/versions/1/restore").json["data"]["graph"]
    assert restored == api.data(f"workflows/{flow}/versions/1")["graph"]
    assert restored["edges"] == GRAPH["edges"]
    assert api.post(f"workflows/{flow}/publish").json["data"]["number"] == 3
    assert api.data(f"workflows/{flow}/versions/1/compare?to=3")["same"] is True
    assert len(api.data(f"workflows/{flow}/versions")) == 3


def test_versions_keep_their_triggers(api: Client) -> None:
    flow = published(api)
    tagged = {"type": "tag_added", "config": {"tag": "new"}}
    graph = api.data(f"workflows/{flow}/draft")["graph"]
    api.put(f"workflows/{flow}/draft", {"graph": graph, "triggers": [tagged]})
    assert api.post(f"workflows/{flow}/publish").json["data"]["number"] == 3
    told = api.data(f"workflows/{flow}/versions/2/compare?to=3")
    assert told["triggers_known"] and not told["same"] and told["steps"] == []
    changes = [(each["type"], each["what"]) for each in told["triggers"]]
    assert changes == [("manual", "removed"), ("tag_added", "added")]
    api.put(f"workflows/{flow}/draft", {"graph": graph, "triggers": [tagged, tagged]})
    told = api.data(f"workflows/{flow}/versions/3/compare")
    assert [(each["type"], each["what"]) for each in told["triggers"]] == [("tag_added", "added")]
    retagged = {"type": "tag_added", "config": {"tag": "old"}}
    api.put(f"workflows/{flow}/draft", {"graph": graph, "triggers": [retagged]})
    change = api.data(f"workflows/{flow}/versions/3/compare")["triggers"][0]
    assert change["what"] == "changed" and change["fields"][0]["field"] == "config.tag"
    assert api.post(f"workflows/{flow}/versions/3/restore").json["data"]["triggers"] == [tagged]


def test_triggers_of_an_older_version_are_not_known(api: Client, runtime: Runtime, tenant: Tenant) -> None:
    flow = published(api)
    with runtime.unit("web", tenant.id) as services:
        services.session.execute(
            text("update workflow_versions set triggers = null where workflow_id = :flow"), {"flow": flow}
        )
    told = api.data(f"workflows/{flow}/versions/1/compare?to=2")
    assert told["triggers_known"] is False and told["triggers"] == []
    draft = api.data(f"workflows/{flow}/draft")
    assert (
        api.post(f"workflows/{flow}/versions/1/restore").json["data"]["triggers"] == draft["triggers"] != []
    )


def test_a_draft_in_disrepair_is_compared_all_the_same() -> None:
    odd = {"nodes": [7, {"id": ["x"]}, {"id": "hold"}], "edges": [None, {"from": {}}], "settings": 5}
    told = compare(GRAPH, odd)
    assert not told["same"] and [step["what"] for step in told["steps"]] == ["changed", "removed"]


def test_the_page_tells_the_difference_and_takes_it_back(
    api: Client, wsgi: object, runtime: Runtime, tenant: Tenant
) -> None:
    flow = published(api)
    browser = Browser(wsgi, runtime, tenant.user_id)
    place = f"/w/{tenant.slug}/workflows/{flow}/versions/1"
    told = browser.get(f"{place}/?to=2").text
    assert "config.amount" in told and "What changed from here to version 2" in told
    assert browser.get(f"{place}/?to=99").status_int == 200  # none such: compared with the draft
    assert "The draft is now as version 1" in browser.post(f"{place}/restore").follow().text
    assert "Nothing: they are the same" in browser.get(f"{place}/").text


def test_what_a_draft_names_must_be_there(api: Client) -> None:
    gone = str(new_id())
    other = node("other", "sub_workflow", workflow_id=gone)
    triggers = [
        {"type": "segment_entered", "config": {"segment_id": gone}},
        {"type": "form", "config": {"form_id": gone}},
        {"type": "incoming_webhook", "config": {"hook_id": gone}},
    ]
    rules = {"exit_rules": ["replied", {"left_segment": gone}, {"left_segment": "nonsense"}]}
    told = api.post(
        f"workflows/{published(api)}/check",
        {"graph": GRAPH | {"nodes": [*GRAPH["nodes"], other], "settings": rules}, "triggers": triggers},
    ).json["data"]
    found = {(each["code"], each["node"], each["field"]) for each in told["problems"]}
    assert ("MISSING_SEGMENT", None, "triggers.0.config.segment_id") in found
    assert ("MISSING_FORM", None, "triggers.1.config.form_id") in found
    assert ("MISSING_HOOK", None, "triggers.2.config.hook_id") in found
    assert ("MISSING_WORKFLOW", "other", "config.workflow_id") in found
    assert ("MISSING_SEGMENT", None, "settings.exit_rules.1.left_segment") in found
    assert ("MISSING_SEGMENT", None, "settings.exit_rules.2.left_segment") in found
