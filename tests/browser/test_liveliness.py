"""What scripts add, what stays when they fail, and that nothing is lost without them."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.factories import Tenant

pytestmark = pytest.mark.browser


@pytest.fixture
def contacts(signed_in: BrowserContext, owner: Tenant) -> Page:
    page = signed_in.new_page()
    page.goto(f"/w/{owner.slug}/contacts")
    # Chromium lets no key through before it has painted: nobody types into what they do not see.
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page


def test_a_list_is_filtered_while_one_types_and_its_address_says_so(contacts: Page):
    contacts.keyboard.press("/")
    contacts.keyboard.type("noor")
    expect(contacts.get_by_role("link", name="Ada")).to_have_count(0)
    expect(contacts.get_by_role("link", name="Noor")).to_be_visible()
    assert "q=noor" in contacts.url
    expect(contacts.get_by_role("searchbox")).to_be_focused()
    contacts.keyboard.type(" nobody")
    expect(contacts.get_by_text("Nothing matches")).to_be_visible()


@pytest.mark.parametrize("status", [429, 500, None])
def test_a_list_that_cannot_be_fetched_stays_and_says_so(contacts: Page, status: int | None):
    body = '<!doctype html><body><main class="bare" data-problem><h1>Broken</h1></main>'
    contacts.route(
        "**/contacts/?*",
        lambda route: (
            route.fulfill(status=status, body=body, content_type="text/html") if status else route.abort()
        ),
    )
    contacts.get_by_role("searchbox").fill("noor")
    expect(contacts.get_by_text("could not be fetched")).to_be_visible()
    expect(contacts.get_by_role("link", name="Ada")).to_be_visible()


def test_a_session_that_ended_leads_to_the_sign_in_and_not_into_the_list(contacts: Page):
    contacts.context.clear_cookies()
    contacts.get_by_role("searchbox").fill("noor")
    contacts.wait_for_url("**/auth/sign-in?next=*")


def test_the_keys_are_listed_and_can_be_switched_off(contacts: Page):
    contacts.keyboard.press("j")
    expect(contacts.locator("tbody tr").first.get_by_role("link").first).to_be_focused()
    contacts.keyboard.press("?")
    keys = contacts.get_by_role("dialog", name="Keys")
    expect(keys.get_by_text("Workflows")).to_be_visible()
    keys.get_by_label("Single letters").uncheck()
    contacts.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    contacts.keyboard.press("?")
    expect(keys).to_be_hidden()
    contacts.get_by_role("button", name="Keys").click()
    expect(keys).to_be_visible()


def test_on_a_phone_the_side_bar_is_a_drawer(signed_in: BrowserContext, owner: Tenant):
    page = signed_in.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/w/{owner.slug}")
    link = page.get_by_role("navigation", name="Main").get_by_role("link", name="Contacts")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Open menu").click()
    expect(link).to_be_visible()
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    expect(page.get_by_role("button", name="Open menu")).to_be_focused()


def test_without_scripts_one_still_gets_anywhere_and_filters(
    chromium, signed_in: BrowserContext, owner: Tenant, address: str
):
    plain = chromium.new_context(
        java_script_enabled=False, base_url=address, viewport={"width": 390, "height": 844}
    )
    plain.add_cookies([{**cookie} for cookie in signed_in.cookies()])
    page = plain.new_page()
    page.goto(f"/w/{owner.slug}")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Contacts").click()
    page.get_by_role("searchbox").fill("noor")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("link", name="Noor")).to_be_visible()
    expect(page.get_by_role("link", name="Ada")).to_have_count(0)
    plain.close()


def test_a_second_click_does_not_send_a_form_twice(contacts: Page, owner: Tenant):
    contacts.goto(f"/w/{owner.slug}/contacts/new")
    contacts.get_by_label("Email", exact=False).first.fill("twice@fern.example")
    sent = contacts.locator("main form[method=post] button").last.evaluate(
        """button => {
            let sent = 0;
            addEventListener("submit", event => { sent += !event.defaultPrevented; event.preventDefault(); });
            button.click();
            button.click();
            return sent;
        }"""
    )
    assert sent == 1


def test_a_captured_mail_is_read_in_the_mailbox(signed_in: BrowserContext, owner: Tenant):
    page = signed_in.new_page()
    page.goto(f"/w/{owner.slug}/mailbox")
    page.get_by_role("link", name="ada@fern.example").click()
    expect(page.get_by_role("heading", name="Hello Ada")).to_be_visible()
    expect(page.frame_locator("iframe").get_by_text("Dear Ada")).to_be_visible()
    page.get_by_text("Headers").click()
    expect(page.get_by_text("List-Unsubscribe").first).to_be_visible()


def test_the_list_of_runs_looks_again_by_itself(signed_in: BrowserContext, owner: Tenant):
    page = signed_in.new_page()
    page.goto(f"/w/{owner.slug}/runs")
    with page.expect_response(lambda answer: answer.url.rstrip("/").endswith("/runs")) as again:
        page.get_by_role("link", name="Ada").focus()
    assert again.value.status == 200
    expect(page.get_by_role("link", name="Ada")).to_be_focused()
