"""Documents of workflows: taken elsewhere they find what they name, or say what is missing."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

import pytest

from autoloop.base.runtime import Runtime
from autoloop.mail.templates import enclosed
from tests.factories import Client, make_tenant
from tests.functional.browser import Browser
from tests.functional.test_attachments import put
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
        "settings": {"exit_rules": [{"left_segment": ids["segment"]}]},
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
    told = other.post("workflows/import", {"workflow": held, "templates": "none"}).json["data"]
    assert {(each["kind"], each["name"], each["node"], each["field"]) for each in told["missing"]} == {
        ("template", "Hello", "mail", "config.template_id"),
        ("workflow", "Child", "other", "config.workflow_id"),
        ("segment", "VIP", None, "triggers.0.config.segment_id"),
        ("segment", "VIP", None, "settings.exit_rules.0.left_segment"),
    }
    codes = {each["code"] for each in other.post(f"workflows/{told['id']}/check").json["data"]["problems"]}
    assert {"MISSING_TEMPLATE", "MISSING_WORKFLOW", "MISSING_SEGMENT"} <= codes

    ids = furnish(other)
    found = other.post("workflows/import", {"workflow": held}).json["data"]
    draft = other.data(f"workflows/{found['id']}/draft")
    assert found["missing"] == []
    assert draft["graph"]["nodes"][0]["config"]["template_id"] == ids["template"]
    assert draft["triggers"][0]["config"]["segment_id"] == ids["segment"]
    assert draft["graph"]["settings"]["exit_rules"] == [{"left_segment": ids["segment"]}]

    other.post("templates", TEMPLATE)  # two of that name: which is meant cannot be told
    again = other.post("workflows/import", {"workflow": held}).json["data"]
    assert [each["kind"] for each in again["missing"]] == ["template"]
    for odd in (5, [5], [{"kind": "template"}], [{"kind": "x", "id": 5, "name": ""}]):
        other.post("workflows/import", {"workflow": held | {"references": odd}}, status=400)
    browser = Browser(wsgi, runtime, tenant.user_id)
    done = browser.post(f"/w/{tenant.slug}/workflows/import", document=json.dumps(held))
    assert "Not found here: template Hello" in done.follow().text


def test_templates_travel_along(api: Client, runtime: Runtime, wsgi: object) -> None:
    ids = furnish(api)
    rich = {"subject": "Hi {{ contact.first_name }}", "headers": {}, "preheader": "Look"}
    api.patch(f"templates/{ids['template']}", rich)
    held = api.data(f"workflows/{drawn(api, ids)}/export")
    (along,) = held["templates"]
    assert (along["name"], along["source"], along["preheader"]) == ("Hello", "Hello", "Look")
    bare = api.data(f"workflows/{drawn(api, ids)}/export", templates="false")
    assert "templates" not in bare and bare["graph"] == held["graph"]
    assert api.post("workflows/import", {"workflow": held}).json["data"]["templates"][0]["how"] == "kept"

    tenant = make_tenant(runtime)
    other = Client(wsgi, tenant.slug, tenant.key)

    def bring(**more: Any) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
        told = other.post("workflows/import", {"workflow": held} | more).json["data"]
        draft = other.data(f"workflows/{told['id']}/draft")
        node = draft["graph"]["nodes"][0]["config"]
        assert {each["kind"] for each in told["missing"]} == {"segment", "workflow"}
        (template,) = told["templates"]
        assert node["template_id"] == template["here"]
        return (
            template,
            other.data(f"templates/{template['here']}"),
            [t["name"] for t in other.data("templates")],
        )

    made, there, names = bring()
    assert made["how"] == "made" and names == ["Hello"]
    assert {name: there[name] for name in ("kind", "subject", "source", "preheader")} == {
        name: along[name] for name in ("kind", "subject", "source", "preheader")
    }
    again, _there, names = bring()
    assert (again["how"], again["here"], names) == ("mapped", made["here"], ["Hello"])
    other.patch(f"templates/{made['here']}", {"subject": "Something else"})
    assert bring()[0]["how"] == "mapped_other"
    both, there, names = bring(templates="both")
    assert (both["how"], both["name"], there["subject"]) == ("made", "Hello (2)", along["subject"])
    assert sorted(names) == ["Hello", "Hello (2)"]
    # It goes out again as it came in, but for its new name and id.
    sent = other.data(f"workflows/{other.data('workflows')[0]['id']}/export")
    assert sent["templates"][0] | {"id": "", "name": ""} == along | {"id": "", "name": ""}


def test_templates_that_are_none_are_refused_with_their_place(api: Client) -> None:
    ids = furnish(api)
    held = api.data(f"workflows/{drawn(api, ids)}/export")
    (along,) = held["templates"]
    before = len(api.data("workflows"))
    for odd in (5, [5], [{"id": "x"}], [along | {"name": ""}], [along] * 201):
        refused = api.post("workflows/import", {"workflow": held | {"templates": odd}}, status=400)
        assert "templates" in refused.json["details"]
    for field, value in (("source", "{% for %}"), ("kind", "word"), ("subject", ""), ("colour", "red")):
        body = {"workflow": held | {"templates": [along | {field: value}]}, "templates": "both"}
        told = api.post("workflows/import", body, status=400).json["details"]
        assert f"templates.0.{field}" in told, told
    api.post("workflows/import", {"workflow": held, "templates": "odd"}, status=400)
    assert len(api.data("workflows")) == before and len(api.data("templates")) == 1


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PDF = b"%PDF-1.7\n" + b"\r\n.\r\n" * 300


def files_of(client: Client, id: str) -> dict[str, Any]:
    """Name → how the HTML calls it, and the octets."""
    return {
        each["name"]: (each["cid"], client.call("GET", f"templates/{id}/files/{quote(each['name'])}").body)
        for each in client.data(f"templates/{id}/files")
    }


def test_the_files_of_templates_travel_along(
    api: Client, runtime: Runtime, wsgi: object, monkeypatch: Any
) -> None:
    ids = furnish(api)
    put(api, ids["template"], ("Logo.png", PNG))
    put(api, ids["template"], ("LOGO .png", PNG + b"2"), ("Angebot „1“.pdf", PDF))
    api.delete(f"templates/{ids['template']}/files/Logo.png")
    ours = files_of(api, ids["template"])
    assert ours == {"LOGO .png": ("logo-2.png", PNG + b"2"), "Angebot „1“.pdf": (None, PDF)}
    held = api.data(f"workflows/{drawn(api, ids)}/export")
    (along,) = held["templates"]
    assert [(each["name"], each["size"], each["sha256"]) for each in along["files"]] == [
        (name, len(body), hashlib.sha256(body).hexdigest()) for name, (_cid, body) in ours.items()
    ]
    tenant = make_tenant(runtime)
    other = Client(wsgi, tenant.slug, tenant.key)
    told = other.post("workflows/import", {"workflow": held}).json["data"]["templates"][0]
    assert (told["how"], told["left_out"]) == ("made", [])
    assert files_of(other, told["here"]) == ours
    again = other.post("workflows/import", {"workflow": held}).json["data"]
    assert again["templates"][0]["how"] == "mapped"
    sent = other.data(f"workflows/{again['id']}/export")["templates"][0]
    assert sent | {"id": ""} == along | {"id": ""}
    other.delete(f"templates/{told['here']}/files/LOGO%20.png")
    assert (
        other.post("workflows/import", {"workflow": held}).json["data"]["templates"][0]["how"]
        == "mapped_other"
    )
    # Beyond the bound only names travel, and who imports is told.
    monkeypatch.setattr(enclosed.Room, "take", lambda _self, size: size < 1000)
    short = api.data(f"workflows/{drawn(api, ids)}/export")
    assert ["data" in each for each in short["templates"][0]["files"]] == [True, False]
    bare = other.post("workflows/import", {"workflow": short, "templates": "both"}).json["data"]["templates"][
        0
    ]
    assert bare["left_out"] == ["file Angebot „1“.pdf"] and list(files_of(other, bare["here"])) == [
        "LOGO .png"
    ]
    short["templates"][0]["name"] = "Offer"
    page = Browser(wsgi, runtime, tenant.user_id)
    done = page.post(f"/w/{tenant.slug}/workflows/import", document=json.dumps(short)).follow().text
    assert "did not come along, add them by hand: Offer: Angebot „1“.pdf" in done


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"sha256": "0" * 64}, "files.0"),
        ({"data": "*"}, "files.0"),
        ({"data": 5}, "files.0"),
        ({"name": 5}, "files.0"),
        ({"colour": "red"}, "files.0"),
        ({"cid": ["x"]}, "files.0"),
        ({"name": "run.exe"}, "file"),
        ({"name": ""}, "file"),
    ],
)
def test_files_that_are_not_what_they_say_are_refused(
    api: Client, change: dict[str, Any], place: str
) -> None:
    ids = furnish(api)
    put(api, ids["template"], ("Logo.png", PNG))
    held = api.data(f"workflows/{drawn(api, ids)}/export")
    held["templates"][0]["files"][0].update(change)
    body = {"workflow": held, "templates": "both"}
    assert f"templates.0.{place}" in api.post("workflows/import", body, status=400).json["details"]
    assert len(api.data("templates")) == 1
