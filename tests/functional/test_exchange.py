"""Documents of workflows: taken elsewhere they find what they name, or say what is missing."""

from __future__ import annotations

import json
from typing import Any

from autoloop.base.runtime import Runtime
from tests.factories import Client, make_tenant
from tests.functional.browser import Browser
from tests.functional.test_workflows import edge, node

TEMPLATE = {"name": "Hello", "kind": "markdown", "subject": "Hi", "source": "Hello"}
TAGGED = {"field": "contact.tags", "op": "contains", "value": "vip"}


def furnish(api: Client) -> dict[str, str]:
    """A template, a segment and a workflow, by the names that each workspace gives them."""
    return {
        "template": api.post("templates", TEMPLATE).json["data"]["id"],
        "segment": api.post("segments", {"name": "VIP", "condition": TAGGED}).json["data"]["id"],
        "workflow": api.post("workflows", {"name": "Child"}).json["data"]["id"],
    }


def drawn(api: Client, ids: dict[str, str]) -> str:
    graph: dict[str, Any] = {
        "schema": 1,
        "nodes": [
            node("mail", "send_email", template_id=ids["template"]),
            node("other", "sub_workflow", workflow_id=ids["workflow"]),
        ],
        "edges": [edge("mail", "sent", "other")],
    }
    triggers = [{"type": "segment_entered", "config": {"segment_id": ids["segment"]}}]
    return str(
        api.post("workflows", {"name": "Whole", "graph": graph, "triggers": triggers}).json["data"]["id"]
    )


def test_elsewhere_it_finds_by_name_what_it_names(api: Client, runtime: Runtime, wsgi: object) -> None:
    held = api.data(f"workflows/{drawn(api, furnish(api))}/export")
    assert {(each["kind"], each["name"]) for each in held["references"]} == {
        ("template", "Hello"),
        ("segment", "VIP"),
        ("workflow", "Child"),
    }
    here = api.post("workflows/import", {"workflow": held}).json["data"]
    assert here["missing"] == [] and api.data(f"workflows/{here['id']}/export") == held

    tenant = make_tenant(runtime)
    other = Client(wsgi, tenant.slug, tenant.key)
    told = other.post("workflows/import", {"workflow": held}).json["data"]
    assert {(each["kind"], each["name"], each["node"], each["field"]) for each in told["missing"]} == {
        ("template", "Hello", "mail", "config.template_id"),
        ("workflow", "Child", "other", "config.workflow_id"),
        ("segment", "VIP", None, "triggers.0.config.segment_id"),
    }
    codes = {each["code"] for each in other.post(f"workflows/{told['id']}/check").json["data"]["problems"]}
    assert {"MISSING_TEMPLATE", "MISSING_WORKFLOW", "MISSING_SEGMENT"} <= codes

    ids = furnish(other)
    found = other.post("workflows/import", {"workflow": held}).json["data"]
    draft = other.data(f"workflows/{found['id']}/draft")
    assert found["missing"] == []
    assert draft["graph"]["nodes"][0]["config"]["template_id"] == ids["template"]
    assert draft["triggers"][0]["config"]["segment_id"] == ids["segment"]

    other.post("templates", TEMPLATE)  # two of that name: which is meant cannot be told
    again = other.post("workflows/import", {"workflow": held}).json["data"]
    assert [each["kind"] for each in again["missing"]] == ["template"]
    for odd in (5, [5], [{"kind": "template"}], [{"kind": "x", "id": 5, "name": ""}]):
        other.post("workflows/import", {"workflow": held | {"references": odd}}, status=400)
    browser = Browser(wsgi, runtime, tenant.user_id)
    done = browser.post(f"/w/{tenant.slug}/workflows/import", document=json.dumps(held))
    assert "Not found here: template Hello" in done.follow().text
