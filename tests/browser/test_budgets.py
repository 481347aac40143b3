"""What a page may weigh, and that nothing on it moves once it is there."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext

from autoloop.web.layout.assets import DIST
from tests.factories import Tenant

pytestmark = pytest.mark.browser

KB = 1000
WATCH = """
window.moved = 0;
new PerformanceObserver(list => {
    for (const each of list.getEntries()) if (!each.hadRecentInput) window.moved += each.value;
}).observe({type: "layout-shift", buffered: true});
"""


@pytest.mark.parametrize(
    ("name", "most"), [("main.js", 20 * KB), ("main.css", 10 * KB), ("icons.svg", 6 * KB)]
)
def test_the_main_files_stay_small(name: str, most: int):
    assert (DIST / f"{name}.gz").stat().st_size <= most
    assert (DIST / f"{name}.br").stat().st_size <= most


def test_the_files_come_compressed_and_are_kept_for_a_year(signed_in: BrowserContext, owner: Tenant):
    page = signed_in.new_page()
    with page.expect_response("**/main.css") as asked:
        page.goto(f"/w/{owner.slug}")
    assert asked.value.headers["content-encoding"] in ("br", "gzip")
    assert "max-age=31536000" in asked.value.headers["cache-control"]


def test_nothing_moves_on_a_slow_phone(signed_in: BrowserContext, owner: Tenant):
    page = signed_in.new_page()
    page.set_viewport_size({"width": 412, "height": 823})
    page.add_init_script(WATCH)
    slow = signed_in.new_cdp_session(page)
    slow.send("Network.enable")
    slow.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 150, "downloadThroughput": 200 * KB, "uploadThroughput": 94 * KB},
    )
    for place in ("", "/contacts", "/workflows"):
        page.goto(f"/w/{owner.slug}{place}", wait_until="networkidle")
        assert page.evaluate("window.moved") < 0.1, place
        timing = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        assert timing < 1800 * 1.3, place
