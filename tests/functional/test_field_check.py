"""The check finds fields that nobody has, tells errors from warnings, and shows them beside the step."""

from __future__ import annotations

from autoloop.base.runtime import Runtime
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.test_workflows import edge, node

ASKED = {
    "all": [
        {"field": "contact.fields.plan", "op": "is", "value": "pro"},
        {"field": "contact.tags", "op": "contains", "value": "x"},
    ]
}
GRAPH = {
    "schema": 1,
    "nodes": [
        node("ask", "branch", condition=ASKED),
        node("write", "update_contact", set=[{"field": "fields.seats", "value": "{{ business.employees }}"}]),
        node(
            "fine",
            "set_variables",
            set=[
                {
                    "name": "who",
                    "value": "{{ contact.first_name }} {{ outputs.fine.x }}{{ contact.fields.known }}",
                }
            ],
        ),
    ],
    "edges": [edge("ask", "yes", "write"), edge("write", "next", "fine")],
}
MISSPELT = {
    "schema": 1,
    "nodes": [
        node("call", "http_request", url="https://example.com/"),
        node("ask", "branch", condition={"field": "outputs.cal.status", "op": "is", "value": 200}),
        node("keep", "set_variables", set=[{"name": "x", "value": "{{ steps.Call.body }}"}]),
        node("fine", "set_variables", set=[{"name": "x", "value": "{{ outputs.call.body }}"}]),
    ],
    "edges": [edge("call", "ok", "ask"), edge("ask", "yes", "keep"), edge("ask", "no", "fine")],
}


def test_steps_that_there_are_not_give_nothing(api: Client) -> None:
    flow = api.post("workflows", {"name": "Steps", "graph": MISSPELT}).json["data"]["id"]
    told = api.post(f"workflows/{flow}/check").json["data"]
    found = {
        (each["node"], each["field"]): each for each in told["problems"] if each["code"] == "UNKNOWN_FIELD"
    }
    assert told["ok"] and found.keys() == {("ask", "config.condition"), ("keep", "config.set.0.value")}
    assert "There is no step “cal”" in found["ask", "config.condition"]["message"]


def test_unknown_fields_are_found(api: Client, runtime: Runtime, wsgi: object, tenant: Tenant) -> None:
    api.post("fields", {"target": "contact", "key": "known", "title": "Known", "kind": "text"})
    flow = api.post("workflows", {"name": "Fields", "graph": GRAPH}).json["data"]["id"]
    told = api.post(f"workflows/{flow}/check").json["data"]
    found = {
        (each["severity"], each["node"], each["field"])
        for each in told["problems"]
        if each["code"] == "UNKNOWN_FIELD"
    }
    assert not told["ok"] and found == {
        ("error", "write", "config.set.0.field"),
        ("warning", "write", "config.set.0.value"),
        ("warning", "ask", "config.condition"),
    }, told
    browser = Browser(wsgi, runtime, tenant.user_id)
    shown = browser.get(f"/w/{tenant.slug}/workflows/{flow}/draft").text
    assert "1 thing to fix before" in shown and shown.count("look at</") == 3
    api.post("fields", {"target": "contact", "key": "seats", "title": "Seats", "kind": "number"})
    told = api.post(f"workflows/{flow}/check").json["data"]
    assert told["ok"] and {each["severity"] for each in told["problems"]} == {"warning"}
    assert api.post(f"workflows/{flow}/publish").json["data"]["number"] == 1
