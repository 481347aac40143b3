"""What the canvas asks of the server: the draft in its words, saved only over what was seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autoloop.workspaces.models import Member
from tests.factories import Client, make_tenant, make_user
from tests.functional.browser import Browser

GRAPH = {
    "nodes": [
        {"id": "mail", "type": "send_email", "config": {}, "position": {"x": 10, "y": -5}, "note": "Soon"},
        {"id": "what", "type": "no_such_step"},
    ],
    "edges": [{"from": "mail", "port": "sent", "to": "what"}],
    "settings": {"start": "mail"},
}


@pytest.fixture
def tenant(runtime):
    return make_tenant(runtime)


@pytest.fixture
def api(wsgi, tenant):
    return Client(wsgi, tenant.slug, tenant.key)


@pytest.fixture
def url(api, tenant):
    flow = api.post("workflows", {"name": "Offer", "graph": GRAPH}).json["data"]["id"]
    return f"/w/{tenant.slug}/workflows/{flow}/draft/"


def put(browser: Browser, url: str, body: Any, **headers: str) -> Any:
    sent = {"X-CSRF-Token": browser.token()} | headers
    return browser.app.put_json(f"{url}drawn", body, headers=sent, expect_errors=True)


def test_the_canvas_knows_what_the_server_knows(wsgi, runtime, tenant, url):
    browser = Browser(wsgi, runtime, tenant.user_id)
    page = browser.get(f"{url}canvas")
    given = json.loads(page.html.find(id="canvas-data").string)
    drawn = given["drawn"]
    assert drawn["graph"] == GRAPH
    mail = drawn["steps"]["mail"]
    assert (mail["title"], mail["family"], mail["icon"]) == ("Send email", "message", "mail")
    assert mail["ports"] == ["sent", "failed", "skipped"]
    assert [each["field"] for each in mail["problems"] if each["severity"] == "error"] == [
        "config.template_id"
    ]
    assert drawn["steps"]["what"]["lost"]
    assert {each["name"] for each in given["types"]["steps"]} >= {"wait", "branch", "send_email"}
    assert page.html.find("a", string="Outline") is not None or "Outline" in page.text
    assert browser.get(url).html.find("a", href=f"http://localhost{url}canvas") is not None


def test_a_save_needs_the_draft_one_saw(wsgi, runtime, tenant, api, url):
    browser = Browser(wsgi, runtime, tenant.user_id)
    etag = f'"{browser.get(f"{url}drawn").json["etag"]}"'
    doc = {"graph": {"nodes": [GRAPH["nodes"][0]]}, "triggers": []}
    saved = put(browser, url, doc, **{"If-Match": etag})
    assert (saved.status_int, list(saved.json["steps"]), saved.json["starts"]) == (200, ["mail"], [])
    assert put(browser, url, {"graph": GRAPH}, **{"If-Match": etag}).status_int == 412
    assert browser.get(f"{url}drawn").json["graph"] == doc["graph"]
    assert browser.app.put_json(f"{url}drawn", doc, expect_errors=True).status_int == 403  # no token


@pytest.mark.parametrize(
    "body", [[], {}, {"graph": []}, {"graph": {}, "more": 1}, {"graph": {}, "triggers": [1]}]
)
def test_what_is_no_draft_is_refused_in_words(wsgi, runtime, tenant, url, body):
    answer = put(Browser(wsgi, runtime, tenant.user_id), url, body)
    assert answer.status_int == 400
    assert answer.json["error"]


def test_who_may_only_read_cannot_save(wsgi, runtime, tenant, url):
    reader, _address = make_user(runtime)
    with runtime.unit("web") as services:
        services.session.add(Member(workspace_id=tenant.id, user_id=reader, role="viewer"))
    browser = Browser(wsgi, runtime, reader)
    assert browser.get(f"{url}canvas").status_int == 200
    assert put(browser, url, {"graph": GRAPH}).status_int == 403


@pytest.mark.parametrize(
    "position", [{"x": 1}, {"x": "1", "y": 2}, {"x": 1, "y": 1e9}, [1, 2], {"x": True, "y": 0}]
)
def test_a_step_stands_somewhere_or_nowhere(api, position):
    graph = {"nodes": [{"id": "a", "type": "stop", "position": position}]}
    flow = api.post("workflows", {"name": "Offer", "graph": graph}).json["data"]["id"]
    found = api.post(f"workflows/{flow}/check", {}).json["data"]["problems"]
    assert [each["field"] for each in found if each["node"] == "a"] == ["position"]


def test_where_a_step_stands_is_kept_and_is_no_difference(api):
    graph = {"nodes": [{"id": "a", "type": "stop", "config": {}, "position": {"x": 4.5, "y": -8}}]}
    given = {"name": "Offer", "graph": graph, "triggers": [{"type": "manual"}]}
    flow = api.post("workflows", given).json["data"]["id"]
    document = api.get(f"workflows/{flow}/export").json
    document = document.get("data", document)
    assert document["graph"]["nodes"][0]["position"] == {"x": 4.5, "y": -8}
