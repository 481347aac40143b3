"""The command palette: pages at once, records as the server finds them."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def page(signed_in: Any, owner: Any) -> Page:
    opened: Page = signed_in.new_page()
    opened.goto(f"/w/{owner.slug}/workflows")
    return opened


def test_a_person_is_found_from_any_page(page: Page) -> None:
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Command palette")
    palette.get_by_role("combobox").fill("ada")
    hit = palette.get_by_role("option").filter(has_text="Ada").last
    expect(hit).to_contain_text("@")
    hit.click()
    page.wait_for_url("**/contacts/*")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ada")


def test_the_field_at_the_top_opens_it_and_leads_to_a_page_of_its_own(page: Page) -> None:
    field = page.get_by_role("link", name="Search or jump to")
    field.click()
    expect(page.get_by_role("dialog", name="Command palette")).to_be_visible()
    page.keyboard.press("Escape")
    page.goto(str(field.get_attribute("href")))
    page.get_by_role("searchbox").fill("ada")
    found = page.get_by_role("region", name="Contacts").get_by_role("link", name="Ada")
    expect(found.first).to_be_visible()
