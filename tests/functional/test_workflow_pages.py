"""Pages of workflows, as a person without scripts uses them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.businesses.models import Contact
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.test_explain import live, person, settle
from tests.functional.test_workflows import BROKEN, GRAPH, node

EXAMPLE = Path(__file__).parents[2] / "examples" / "workflows" / "three-step-outreach.json"


@pytest.fixture
def browser(wsgi: object, runtime: Runtime, tenant: Tenant) -> Browser:
    return Browser(wsgi, runtime, tenant.user_id)


def text_of(response: object) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text))


def test_a_workflow_is_made_mended_published_started_and_put_away(
    browser: Browser, runtime: Runtime, tenant: Tenant
):
    base = f"/w/{tenant.slug}/workflows"
    with runtime.unit("web", tenant.id) as services:
        services.session.add(Contact(workspace_id=tenant.id, id=new_id(), first_name="Ada", tags=["vip"]))
    assert "No workflow yet" in browser.get(base).text
    assert browser.post(f"{base}/", name="").status_int == 422
    made = browser.post(f"{base}/", name="Welcome <b>series</b>")
    assert made.status_int == 303
    page = made.follow()
    assert "There is no step yet" in page.text
    page = browser.get(f"{page.request.path.rstrip('/')}/text")
    assert "<b>series</b>" not in page.text

    form = page.forms[next(key for key in page.forms if "text" in page.forms[key].fields)]
    form["text"] = json.dumps({"graph": BROKEN})
    checked = form.submit().follow()
    assert "There is no step “no_such_step” here" in checked.text
    form = checked.forms[next(key for key in checked.forms if "text" in checked.forms[key].fields)]
    stale = form["revision"].value
    form["text"] = json.dumps({"graph": GRAPH})
    mended = form.submit().follow()
    assert "The check found nothing wrong" in mended.text
    assert '<svg class="graph"' in mended.text

    place = page.request.path.removesuffix("draft/text").rstrip("/")
    lost = browser.post(f"{place}/draft/text", text=json.dumps({"graph": {}}), revision=stale)
    assert lost.status_int == 412
    assert "Someone changed this" in lost.text
    assert browser.post(f"{place}/draft/text", text="{", revision=stale).status_int == 422

    assert "Publish version 1" in text_of(browser.get(place))
    old = browser.post(f"{place}/publish", note="First", revision=stale)
    assert old.status_int == 412 and "Someone changed this" in old.text
    live = browser.post(f"{place}/publish", note="First").follow()
    assert "Version 1 is published." in live.text
    started = browser.post(f"{place}/enrol", who="tag", tag="vip").follow()
    assert "1 started, 0 skipped." in started.text
    assert "1 here" in started.text
    assert "Ada" in browser.get(f"{place}/runs").text
    assert browser.post(f"{place}/enrol", who="ids", contact_ids="nonsense").status_int == 422
    assert browser.post(f"{place}/enrol", who="nobody").status_int == 422

    assert "Paused." in browser.post(f"{place}/pause").follow().text
    assert "Live again." in browser.post(f"{place}/resume").follow().text
    version = browser.get(f"{place}/versions/1")
    assert "New runs walk through this version." in version.text
    assert browser.post(f"{place}/archive", confirm="Something else").status_int == 422
    assert "Archived." in browser.post(f"{place}/archive", confirm="Welcome <b>series</b>").follow().text
    assert browser.post(f"{place}/publish").status_int == 409
    assert "Save and check" not in browser.get(f"{place}/draft/text").text
    assert "Add a step" not in browser.get(f"{place}/draft").text
    assert '"may_edit": false' in browser.get(f"{place}/draft/canvas").text
    refused = browser.post(f"{place}/draft/change", act="remove-step", id="tag")
    assert refused.status_int == 409 and "Restore it before you change its draft." in refused.text
    assert "Welcome" not in text_of(browser.get(base))
    browser.post(f"{place}/restore")
    assert "Publish version 1" in text_of(browser.get(place))  # for nothing was changed since
    assert "Version 1 is published." in browser.post(f"{place}/publish").follow().text


def test_an_export_is_a_file_that_can_be_imported(browser: Browser, tenant: Tenant):
    base = f"/w/{tenant.slug}/workflows"
    raw = EXAMPLE.read_bytes()
    sent = browser.app.post(
        f"{base}/import",
        {"csrf_token": browser.token()},
        upload_files=[("file", "outreach.json", raw)],
    )
    page = sent.follow()
    assert "Imported as a draft" in page.text
    assert "failed, skipped" in page.text
    file = browser.get(page.request.path.rstrip("/") + "/export")
    assert file.json == json.loads(raw)
    assert "attachment" in file.headers["Content-Disposition"]
    refused = browser.app.post(
        f"{base}/import",
        {"csrf_token": browser.token()},
        upload_files=[("file", "x.json", b"\xff\xfe\x00")],
        expect_errors=True,
    )
    assert refused.status_int == 422
    assert "graph-small" in browser.get(base).text


def test_a_file_whose_name_cannot_be_kept_is_refused(browser: Browser, tenant: Tenant):
    raw = json.dumps({"autoloop": "workflow", "schema": 1, "name": "x\0", "description": "\0", "graph": {}})
    answer = browser.app.post(
        f"/w/{tenant.slug}/workflows/import",
        {"csrf_token": browser.token()},
        upload_files=[("file", "x.json", raw.encode())],
        expect_errors=True,
    )
    assert answer.status_int == 422
    assert "A name of 1 to 200 characters is needed." in answer.text


def test_a_file_whose_graph_cannot_be_kept_is_refused(browser: Browser, tenant: Tenant):
    for graph in ({"nodes": ["\0"]}, {"\0": []}):
        document = json.dumps({"autoloop": "workflow", "schema": 1, "name": "x", "graph": graph})
        answer = browser.post(f"/w/{tenant.slug}/workflows/import", document=document)
        assert answer.status_int == 422 and "Must not hold NUL characters" in answer.text


def test_drafts_of_any_nonsense_are_shown(api: Client, browser: Browser, tenant: Tenant):
    for graph in ({}, {"nodes": {}}, {"nodes": [None, 1, {"id": 7}]}, {"edges": 1, "more": 2}, BROKEN):
        id = api.post("workflows", {"name": "Odd", "graph": graph}).json["data"]["id"]
        for path in ("", "/draft", "/draft/text", "/draft/rules", "/draft/add"):
            assert browser.get(f"/w/{tenant.slug}/workflows/{id}{path}").status_int == 200
    first = {"id": "a", "type": "add_tag", "config": {}}
    edges = [{"from": "a", "port": ["next"], "to": "a"}]
    odd = {"nodes": [first, {"id": [], "type": "wait"}, {"id": {}}], "edges": edges}
    id = api.post("workflows", {"name": "Odd", "graph": odd}).json["data"]["id"]
    place = f"/w/{tenant.slug}/workflows/{id}/draft"
    assert browser.post(f"{place}/change", act="copy-step", id="a").status_int == 303
    form = next(each for each in browser.get(f"{place}/step?id=a").forms.values() if "seen" in each.fields)
    form["config.tag"], form["way.next.0"] = "x", "add_tag"
    assert form.submit("act", value="save").status_int == 303
    assert browser.post(f"{place}/change", act="remove-step", id="a").status_int == 303
    assert browser.get(f"/w/{tenant.slug}/workflows").status_int == 200
    assert browser.get(f"/w/{tenant.slug}/workflows?status=nonsense").status_int == 422
    assert browser.get(f"/w/{tenant.slug}/workflows?cursor=nonsense").status_int == 422


def test_no_page_needs_a_style_or_script_of_its_own(api: Client, browser: Browser, tenant: Tenant):
    id = api.post("workflows", {"name": "Plain", "graph": GRAPH}).json["data"]["id"]
    for path in ("", f"/{id}", f"/{id}/draft", f"/{id}/draft/text"):
        page = browser.get(f"/w/{tenant.slug}/workflows{path}")
        main = page.text.partition("<main")[2]
        assert " style=" not in main
        assert "<script" not in main


def test_of_many_runs_the_newest_tell_which_ways_are_gone(
    api: Client, browser: Browser, runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
):
    flow = live(api, {"schema": 1, "nodes": [node("tag", "add_tag", tag="x")], "edges": []}, [])
    people = [person(runtime, tenant) for _ in range(3)]
    api.post(f"workflows/{flow}/enrol", {"contact_ids": people})
    settle(runtime)
    place = f"/w/{tenant.slug}/workflows/{flow}"
    all_of_them = api.data(f"workflows/{flow}/stats")
    assert (all_of_them["followed"], all_of_them["nodes"]["tag"]["left"]) == (3, {"next": 3})
    assert "is counted of the newest" not in browser.get(place).text
    monkeypatch.setattr("autoloop.workflows.services.figures.MOST_FOLLOWED", 2)
    newest = api.data(f"workflows/{flow}/stats")
    assert (newest["total"], newest["followed"], newest["nodes"]["tag"]["left"]) == (3, 2, {"next": 2})
    assert "is counted of the newest 2 runs" in browser.get(place).text
