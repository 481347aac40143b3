"""A segment is counted while it is being asked."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.factories import Tenant

pytestmark = pytest.mark.browser


def test_the_count_follows_the_questions(signed_in: BrowserContext, owner: Tenant):
    page = signed_in.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(f"/w/{owner.slug}/segments/new")
    page.get_by_label("About").first.select_option("contact.name")
    page.get_by_label("How", exact=True).select_option("contains")
    page.get_by_label("Value").first.fill("noor")
    page.get_by_label("Name", exact=False).first.focus()
    expect(page.get_by_text("1 contact matches now.")).to_be_visible()
    page.get_by_label("Value").first.fill("nobody is called that")
    page.get_by_label("Name", exact=False).first.focus()
    expect(page.get_by_text("0 contacts match now.")).to_be_visible()
    assert page.url.endswith("/segments/new")
    assert problems == []
