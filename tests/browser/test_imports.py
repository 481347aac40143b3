"""An import watched in the browser: it moves by itself and ends by itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from autoloop.businesses.services.imports import work
from tests.factories import Tenant

pytestmark = pytest.mark.browser

EXAMPLE = Path(__file__).parents[2] / "examples" / "businesses.csv"


def test_a_file_is_mapped_tried_and_watched_to_its_end(
    signed_in: BrowserContext, owner: Tenant, runtime
) -> None:
    page = signed_in.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))

    def shot(name: str) -> None:
        folder = os.environ.get("AUTOLOOP_TEST_SHOTS")
        if folder:
            page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    page.goto(f"/w/{owner.slug}/imports")
    shot("imports")
    page.set_input_files("input[name=file]", EXAMPLE)
    page.get_by_role("button", name="Upload and look at the columns").click()
    expect(page.get_by_label("What “E-mail” becomes")).to_have_value("email")
    expect(page.get_by_text("Nothing is changed yet")).to_be_visible()
    shot("mapping")
    page.get_by_role("button", name="Start the import").click()
    expect(page.locator("#progress progress")).to_be_visible()
    shot("running")
    while work(runtime):
        pass
    expect(page.get_by_text("Every row is accounted for")).to_be_visible(timeout=10_000)
    expect(page.get_by_role("link", name="Download all of them as CSV")).to_be_visible()
    shot("result")
    page.get_by_role("link", name="See the contacts").click()
    page.get_by_role("searchbox").fill("olga")
    expect(page.locator("#rows tbody tr").first).to_contain_text("Olga")
    shot("contacts")
    page.locator("#rows tbody a").first.click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    shot("contact")
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("First name")).to_have_value("Olga")
    shot("form")
    assert wrong == []
