"""From an empty draft to a live workflow and a test of it, by hand: forms that answer as they are filled in."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_pages import AXE, RULES, Watch
from tests.factories import Client

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("PICTURES")


def add(page: Any, link: str, name: str) -> None:
    page.get_by_role("link", name=link).click()
    page.get_by_role("button", name=re.compile(f"^{name} ")).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_a_workflow_is_built_published_and_tried(signed_in: Any, owner: Any) -> None:
    page = signed_in.new_page()
    watch = Watch(page)
    page.goto(f"/w/{owner.slug}/workflows")
    page.get_by_label("Name", exact=True).fill("Spring offer")
    page.get_by_role("button", name="Make a draft").click()

    add(page, "Add the first step", "Wait until")
    page.get_by_label("Until", exact=True).select_option("window")
    page.get_by_label("The window's end").fill("9")
    page.get_by_label("Monday").check()
    said_by_the_server = "The window must end at another hour than it begins."
    expect(page.get_by_text(said_by_the_server)).to_be_visible()
    page.get_by_label("The window's end").fill("17:30")
    page.get_by_role("button", name="Save the step").last.click()
    expect(page.get_by_role("article", name="Wait until")).to_contain_text("between 09:00 and 17:30")

    add(page, "Add a step after Wait until, next", "Branch")
    page.get_by_label("About").select_option("contact.tags")
    page.get_by_label("Value", exact=True).fill("vip")
    page.get_by_role("button", name="Add a group").click()
    expect(page.get_by_label("About")).to_have_count(2)
    page.get_by_label("About").nth(1).select_option("email.opened")
    page.get_by_label("Within days").fill("30")
    page.get_by_role("button", name="Save, and put a new step behind yes").click()
    page.get_by_role("button", name=re.compile("^Add tag ")).click()
    page.get_by_label("Tag", exact=True).fill("offered")
    page.get_by_role("button", name="Save the step").last.click()
    expect(page.get_by_role("article", name="Branch")).to_contain_text(re.compile(r"yes\s+Add tag"))
    expect(page.get_by_text("The check found nothing wrong.")).to_be_visible()

    add(page, "Add a trigger", "Schedule")
    page.get_by_label("When").fill("0 9 * * mon")
    page.get_by_role("button", name="Search: Time zone").click()
    page.get_by_role("combobox", name="Search").fill("tokyo")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Next, in Asia/Tokyo:")).to_be_visible()
    expect(page.locator("ol.plain-list li")).to_have_count(5)
    page.get_by_role("button", name="Save the trigger").last.click()

    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Version 1 is published.")).to_be_visible()
    page.get_by_role("link", name="Test run").click()
    page.get_by_label("As this contact").fill("ada@fern.example")
    page.get_by_role("button", name="Start the test").click()
    expect(page.get_by_text("This is the test.")).to_be_visible()
    assert watch.complaints == []


def test_forms_of_the_builder_serve_everybody(signed_in: Any, owner: Any, wsgi: Any, address: str) -> None:
    """Accessible, in both themes, no wider than a phone, and large enough for a finger there."""
    from tests.functional.test_builder import FILLED, STARTED

    api = Client(wsgi, owner.slug, owner.key)
    nodes = [{"id": name, "type": name, "config": config} for name, config in FILLED.items()]
    triggers = [{"type": name, "config": config} for name, config in STARTED.items()]
    graph = {"nodes": nodes, "edges": [{"from": "branch", "port": "yes", "to": "add_tag"}]}
    flow = api.post("workflows", {"name": "All", "graph": graph, "triggers": triggers}).json["data"]["id"]
    here = f"/w/{owner.slug}/workflows/{flow}/draft"
    shown = ("switch", "send_email", "http_request", "ab_split", "wait_until", "update_contact", "wait")
    places = {name: f"{here}/step?id={name}" for name in shown}
    places |= {"schedule": f"{here}/trigger?n={list(STARTED).index('schedule')}", "builder": here}
    places |= {name: f"{here}/{name}" for name in ("add", "add-trigger", "rules")}
    places["segment"] = f"/w/{owner.slug}/segments/new"
    source, wrong = AXE.read_text(), []
    for theme, width in (("light", 1280), ("dark", 1280), ("light", 360)):
        signed_in.add_cookies([{"name": "theme", "value": theme, "url": address}])
        page = signed_in.new_page()
        page.set_viewport_size({"width": width, "height": 860})
        for name, place in places.items():
            page.goto(place)
            page.evaluate(source)
            found = page.evaluate(
                "rules => axe.run({runOnly: rules, resultTypes: ['violations']})", RULES[theme]
            )
            wrong += [
                f"{name}: {each['help']}: {each['nodes'][0]['html'][:200]}" for each in found["violations"]
            ]
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wrong.append(f"{name}: wider than {width} px")
            if PICTURES:
                page.screenshot(path=f"{PICTURES}/{name}-{theme}-{width}.png", full_page=True)
        page.close()
    assert not wrong, "\n".join(wrong)
