"""The canvas: a workflow drawn from nothing, undone, saved beside others, by mouse and by keyboard."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from autoloop.accounts.services import Sessions
from autoloop.web.layout.assets import DIST
from autoloop.workspaces.models import Member
from tests.browser.test_pages import AXE, RULES, Watch
from tests.factories import Client, make_user

pytestmark = pytest.mark.browser

GRAPH = {
    "nodes": [
        {"id": "wait", "type": "wait", "config": {"amount": 2, "unit": "days"}},
        {"id": "tag", "type": "add_tag", "config": {"tag": "vip"}, "note": "Ask Grace"},
        {"id": "mail", "type": "send_email", "config": {}},
    ],
    "edges": [{"from": "wait", "port": "next", "to": "tag"}],
}
WAYS = ".svelte-flow__edge:not([data-id^=start])"
MOVED = "document.querySelector('.svelte-flow__node[data-id=\"%s\"]').style.transform"


class Board:
    """A canvas in a browser, and the draft behind it."""

    def __init__(self, page: Page, api: Client, slug: str, graph: Any) -> None:
        self.page, self.api, self.watch = page, api, Watch(page)
        given = {"name": "Spring offer", "graph": graph}
        self.id = api.post("workflows", given).json["data"]["id"]
        self.url = f"/w/{slug}/workflows/{self.id}/draft/canvas"

    def open(self) -> Board:
        self.page.goto(self.url)
        expect(self.page.locator(".svelte-flow__node").first).to_be_visible()
        return self

    def step(self, id: str) -> Locator:
        return self.page.locator(f'.svelte-flow__node[data-id="{id}"]')

    @property
    def saved(self) -> Locator:
        return self.page.locator(".save-state")

    def draft(self) -> dict[str, Any]:
        expect(self.saved).to_have_text("Saved")
        return dict(self.api.data(f"workflows/{self.id}/draft"))

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name, exact=isinstance(name, str))


@pytest.fixture
def board(signed_in: Any, owner: Any, wsgi: Any) -> Callable[..., Board]:
    api = Client(wsgi, owner.slug, owner.key)
    return lambda graph=GRAPH: Board(signed_in.new_page(), api, owner.slug, graph)


def ways(draft: dict[str, Any]) -> list[tuple[str, str, str]]:
    return sorted((each["from"], each.get("port", "next"), each["to"]) for each in draft["graph"]["edges"])


def test_a_workflow_is_drawn_from_nothing_and_published(board: Callable[..., Board]) -> None:
    drawn = board({}).open()
    page = drawn.page
    drawn.button("Add the first step").click()
    page.get_by_role("searchbox", name="Search steps").fill("hold the contact for some")
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="Wait")
    panel.get_by_label("How long").fill("3")
    panel.get_by_role("button", name="Save the step").last.click()
    expect(drawn.step("wait")).to_contain_text(re.compile("3 days"))

    drawn.button("Add a step after Wait, by next").click()
    page.get_by_role("searchbox", name="Search steps").fill("add tag")
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="Add tag")
    expect(panel.get_by_label("Tag", exact=True)).to_be_visible()
    expect(drawn.button("Publish")).to_be_disabled()  # the server's check wants a tag
    panel.get_by_label("Tag", exact=True).fill("offered")
    panel.get_by_role("button", name="Save the step").last.click()
    expect(drawn.step("add_tag")).to_contain_text("offered")

    drawn.button("Add a step").click()
    page.get_by_role("searchbox", name="Search steps").fill("schedule")
    page.keyboard.press("Enter")
    page.get_by_role("region", name="Schedule").get_by_label("When").fill("0 9 * * mon")
    page.get_by_role("button", name="Save the trigger").last.click()
    expect(page.locator(".starter")).to_have_count(2)
    expect(page.get_by_role("group", name=re.compile("^Schedule"))).to_contain_text("0 9")
    saved = drawn.draft()
    assert ways(saved) == [("wait", "next", "add_tag")]
    assert [each["type"] for each in saved["triggers"]] == ["manual", "schedule"]
    assert all({"x", "y"} == set(node["position"]) for node in saved["graph"]["nodes"])
    drawn.button("Publish").click()
    expect(page.get_by_text("Version 1 is published.")).to_be_visible()
    assert drawn.watch.complaints == []


def test_steps_are_moved_tied_and_taken_out_and_all_of_it_undone(board: Callable[..., Board]) -> None:
    drawn = board().open()
    page, tag = drawn.page, drawn.step("tag")
    expect(tag).to_contain_text("Ask Grace")
    before = page.evaluate(MOVED % "tag")
    tag.hover()
    page.mouse.down()
    page.mouse.move(900, 600, steps=4)
    page.mouse.up()
    expect(drawn.button("Undo")).to_be_enabled()
    assert page.evaluate(MOVED % "tag") != before
    drawn.draft()

    out = tag.locator('.svelte-flow__handle[data-handleid="next"]')
    out.hover()
    page.mouse.down()
    box = drawn.step("mail").locator(".svelte-flow__handle.target").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5, steps=6)
    page.mouse.up()
    expect(page.locator(WAYS)).to_have_count(2)
    assert ways(drawn.draft()) == [("tag", "next", "mail"), ("wait", "next", "tag")]

    tag.click(position={"x": 100, "y": 20})
    page.keyboard.press("Delete")
    expect(tag).to_have_count(0)
    assert ways(drawn.draft()) == [("wait", "next", "mail")]  # what led to it leads on

    for _each in range(2):
        page.keyboard.press("Control+z")
    expect(page.locator(WAYS)).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(tag).to_be_visible()
    page.wait_for_function(f"before => {MOVED % 'tag'} === before", arg=before)
    assert ways(drawn.draft()) == [("wait", "next", "tag")]
    expect(drawn.button("Undo")).to_be_disabled()
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator(WAYS)).to_have_count(2)
    assert drawn.watch.complaints == []


def test_steps_are_put_between_others(board: Callable[..., Board]) -> None:
    drawn = board().open()
    page = drawn.page

    def pick(word: str, name: str) -> None:
        page.get_by_role("searchbox", name="Search steps").fill(word)
        page.keyboard.press("Enter")
        page.get_by_role("region", name=name).wait_for()

    def heights(draft: dict[str, Any]) -> dict[str, float]:
        return {node["id"]: node["position"]["y"] for node in draft["graph"]["nodes"]}

    drawn.button("Put a step between Wait and Add tag").click()
    pick("remove tag", "Remove tag")
    page.get_by_role("region", name="Remove tag").get_by_label("Tag", exact=True).fill("old")
    page.get_by_role("button", name="Save the step").last.click()
    drawn.button("Add a step").click()  # before the answer is there: it is waited for, and nothing is asked
    pick("stop", "Stop")
    saved = drawn.draft()
    assert ("wait", "next", "remove_tag") in ways(saved)
    assert ("remove_tag", "next", "stop") in ways(saved)
    page.keyboard.press("Escape")
    drawn.step("wait").click(position={"x": 60, "y": 20})
    drawn.button("Add a step").click()
    pick("moment of its own", "Wait until")
    saved = drawn.draft()
    assert ("wait_until", "next", "remove_tag") in ways(saved)
    stands = heights(saved)
    assert stands["wait"] < stands["wait_until"] < stands["remove_tag"]
    assert drawn.watch.complaints == []


@pytest.mark.parametrize("keep", ["Load theirs", "Keep mine"])
def test_two_people_at_one_draft_are_told(board: Callable[..., Board], keep: str) -> None:
    drawn = board().open()
    theirs = {"nodes": [*GRAPH["nodes"], {"id": "theirs", "type": "stop"}], "edges": []}
    drawn.api.put(f"workflows/{drawn.id}/draft", {"graph": theirs})
    drawn.step("wait").focus()
    drawn.page.keyboard.press("ArrowRight")
    expect(drawn.page.get_by_role("alert")).to_contain_text("Somebody else changed this draft")
    drawn.button(keep).click()
    expect(drawn.step("theirs")).to_have_count(1 if keep == "Load theirs" else 0)
    assert ("theirs" in json.dumps(drawn.draft())) == (keep == "Load theirs")
    drawn.button("Undo").click()  # the other one is not lost
    expect(drawn.step("theirs")).to_have_count(0 if keep == "Load theirs" else 1)
    assert ("theirs" in json.dumps(drawn.draft())) == (keep != "Load theirs")


def test_what_is_done_without_a_connection_is_saved_once_there_is_one(board: Callable[..., Board]) -> None:
    drawn = board().open()
    drawn.step("wait").focus()
    before = drawn.page.evaluate(MOVED % "wait")
    drawn.page.context.set_offline(True)
    drawn.page.keyboard.press("ArrowDown")
    expect(drawn.page.get_by_role("alert")).to_contain_text("no connection")
    drawn.page.keyboard.press("ArrowDown")
    drawn.page.context.set_offline(False)
    saved = drawn.draft()
    place = next(node for node in saved["graph"]["nodes"] if node["id"] == "wait")["position"]
    assert drawn.page.evaluate(MOVED % "wait") == f"translate({place['x']}px, {place['y']}px)" != before


def test_the_keyboard_does_it_all(board: Callable[..., Board]) -> None:
    drawn = board().open()
    page = drawn.page
    drawn.step("wait").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("region", name=re.compile("tag|email")).wait_for()
    page.keyboard.press("Escape")
    expect(page.locator(".panel")).to_have_count(0)
    drawn.step("tag").focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_text(re.compile("Add tag moved to"))).to_be_attached()
    page.keyboard.press("Delete")
    expect(drawn.step("tag")).to_have_count(0)
    assert ways(drawn.draft()) == []
    page.get_by_role("link", name="Outline").press("Enter")
    expect(page.get_by_role("article", name=re.compile("^Wait"))).to_be_visible()
    page.go_back()
    expect(drawn.step("wait")).to_be_visible()
    assert page.url.endswith("/draft/canvas")
    assert drawn.watch.complaints == []


def test_steps_are_copied_as_text(board: Callable[..., Board]) -> None:
    drawn = board().open()
    page = drawn.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    drawn.step("wait").focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+v")
    expect(drawn.step("add_tag")).to_be_visible()
    saved = drawn.draft()
    assert ways(saved) == [("wait", "next", "tag"), ("wait_2", "next", "add_tag")]
    copied = next(node for node in saved["graph"]["nodes"] if node["id"] == "add_tag")
    assert (copied["config"], copied["note"]) == ({"tag": "vip"}, "Ask Grace")


def test_people_who_may_only_read_look_at_it(
    board: Callable[..., Board], chromium: Any, runtime: Any, owner: Any, address: str
) -> None:
    drawn = board()
    reader, _address = make_user(runtime)
    with runtime.unit("web") as services:
        services.session.add(Member(workspace_id=owner.id, user_id=reader, role="viewer"))
        tokens = services(Sessions).start(reader, method="test")
    context = chromium.new_context(base_url=address)
    context.add_cookies([{"name": "access", "value": tokens.access, "url": address}])
    drawn.page = context.new_page()
    drawn.open()
    expect(drawn.step("mail")).to_be_visible()
    expect(drawn.page.get_by_text("You may look, not change")).to_be_visible()
    for name in ("Add a step", "Undo", "Publish", "Tidy up"):
        expect(drawn.button(name)).to_have_count(0)
    drawn.step("wait").focus()
    for key in ("Delete", "ArrowDown", "Enter"):
        drawn.page.keyboard.press(key)
    expect(drawn.step("wait")).to_be_visible()
    expect(drawn.page.locator(".panel")).to_have_count(0)
    assert drawn.api.data(f"workflows/{drawn.id}/draft")["revision"] == 1
    context.close()


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_everybody_can_use_it(board: Callable[..., Board], address: str, theme: str, width: int) -> None:
    drawn = board()
    page = drawn.page
    page.context.add_cookies([{"name": "theme", "value": theme, "url": address}])
    page.set_viewport_size({"width": width, "height": 800})
    drawn.open()

    def check() -> None:
        page.evaluate("Promise.allSettled(document.getAnimations().map(each => each.finished))")
        found = page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", RULES[theme])
        assert [(each["help"], each["nodes"][0]["html"]) for each in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.evaluate(AXE.read_text())
    expect(drawn.step("tag")).to_be_visible()
    check()
    drawn.button("Add a step").click()
    expect(page.get_by_role("searchbox", name="Search steps")).to_be_focused()
    check()
    page.keyboard.press("Escape")
    drawn.step("wait").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Wait").get_by_label("How long")).to_be_visible()
    check()
    assert drawn.watch.complaints == []


def test_the_canvas_stays_small_and_is_fetched_where_it_is_used() -> None:
    assert (DIST / "builder.js.gz").stat().st_size <= 100_000
    assert (DIST / "builder.css.gz").stat().st_size <= 10_000
    assert b"dagre" not in (DIST / "main.js").read_bytes()
