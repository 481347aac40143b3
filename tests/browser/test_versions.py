"""Moving runs, a test run and a draft with problems, as people see them: accessible, in both themes and on a phone."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.browser.test_pages import AXE, RULES
from tests.factories import Client
from tests.functional.test_bulk import people, turn
from tests.functional.test_field_check import GRAPH as PROBLEMATIC
from tests.functional.test_moving import FIRST, graph_of
from tests.functional.test_workflows import node

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("PICTURES")


def begin(api: Client, runtime: Any) -> str:
    flow = str(api.post("workflows", {"name": "Moved", "graph": FIRST}).json["data"]["id"])
    api.post(f"workflows/{flow}/publish")
    api.post(f"workflows/{flow}/enrol", {"contact_ids": people(api, 3)})
    turn(runtime, "advance")
    api.put(f"workflows/{flow}/draft", {"graph": graph_of(node("new", "add_tag", tag="second"))})
    api.post(f"workflows/{flow}/publish")
    return flow


def test_pages_of_versions_and_tests(
    signed_in: Any, owner: Any, wsgi: Any, runtime: Any, address: str
) -> None:
    api = Client(wsgi, owner.slug, owner.key)
    flow = begin(api, runtime)
    mend = api.post("workflows", {"name": "Mend", "graph": PROBLEMATIC}).json["data"]["id"]
    home = f"/w/{owner.slug}/workflows"
    places = {
        "stay": f"{home}/{flow}/versions/2/move",
        "move": f"{home}/{flow}/versions/2/move?map.hold=new",
        "version": f"{home}/{flow}/versions/2/",
        "test": f"{home}/{flow}/test",
        "draft": f"{home}/{mend}/draft",
        "text": f"{home}/{mend}/draft/text",
    }
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
    assert not wrong, "\n".join(wrong)

    page.goto(places["move"])
    page.get_by_role("button", name="Move 3 runs").click()
    page.get_by_text("0 of 3 runs looked at").wait_for()
    turn(runtime)
    page.get_by_text("3 of 3 runs looked at, 3 moved").wait_for()  # the page asks by itself
