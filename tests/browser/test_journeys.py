"""What a new person does on the first day, from the claim link to a published workflow, as they do it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from autoloop.accounts.services import Claims
from autoloop.base.runtime import Runtime
from tests.browser.seed import work

pytestmark = pytest.mark.browser

EMAIL, PASSWORD = "mara@fern.example", "four words are better"
HOME = "/w/fern-co"
CSV = """email,first name,company
ada@pine.example,Ada,Pine Dental
not an address,Noor,Pine Dental
"""


@pytest.fixture(scope="module")
def claimed(chromium: Browser, runtime: Runtime, address: str) -> Iterator[Page]:
    """A fresh installation, taken over by its claim link; the page stands on the new workspace."""
    with runtime.unit("web") as services:
        link = services(Claims).open_link(address)
    page = chromium.new_page(viewport={"width": 1280, "height": 860}, base_url=address)
    page.set_default_timeout(8_000)
    complaints: list[str] = []
    # A change of pages that comes too late to be animated is not animated, and says so.
    page.on("pageerror", lambda error: "already revealed" not in str(error) and complaints.append(str(error)))
    page.on(
        "console",
        # A refused form answers 422, and the browser says so.
        lambda message: (
            message.type == "error" and "422" not in message.text and complaints.append(message.text)
        ),
    )
    page.goto(link)
    page.get_by_label("Your name").fill("Mara Reyes")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Name of your workspace").fill("Fern & Co.")
    page.get_by_role("button", name="Take it over").click()
    page.wait_for_url("**/w/*")
    yield page
    page.context.close()
    assert complaints == []


@pytest.fixture
def page(claimed: Page) -> Page:
    claimed.goto(HOME)
    return claimed


def test_who_claims_is_led_to_the_first_delivered_email_and_signs_in_again(page: Page):
    assert urlsplit(page.url).path == HOME
    expect(page.get_by_role("heading", name="Fern & Co.")).to_be_visible()
    steps = page.get_by_role("region", name="To your first delivered email")
    expect(steps.get_by_role("link", name="Give mail a way out")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/auth/sign-in*")
    page.goto(f"{HOME}/contacts")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill("something else entirely")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("status").or_(page.get_by_role("alert"))).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{HOME}/contacts*")
    expect(page.get_by_text("No contacts yet")).to_be_visible()


def test_a_business_and_somebody_there(page: Page):
    page.get_by_role("link", name="Businesses").first.click()
    page.get_by_role("link", name="New business").click()
    page.get_by_label("Name").fill("Larch Books")
    page.get_by_label("Domain").fill("larch.example")
    page.get_by_role("button", name="Add the business").click()
    expect(page.get_by_role("heading", name="Larch Books")).to_be_visible()
    page.get_by_role("link", name="New contact here").click()
    page.get_by_label("Email").fill("zoe@larch.example")
    page.get_by_label("First name").fill("Zoë")
    page.get_by_role("button", name="Add the contact").click()
    expect(page.get_by_role("heading", name="Zoë")).to_be_visible()
    expect(page.get_by_role("region", name="Timeline").get_by_text("Contact made")).to_be_visible()
    page.get_by_role("link", name="Larch Books").click()
    expect(page.get_by_role("region", name="People").first).to_contain_text("Zoë")


def test_a_file_comes_in_and_says_what_it_left_out(page: Page, runtime: Runtime):
    page.get_by_role("link", name="Import").click()
    page.get_by_label("CSV file").set_input_files(
        {"name": "fair.csv", "mimeType": "text/csv", "buffer": CSV.encode()}
    )
    page.get_by_role("button", name="Upload and look at the columns").click()
    expect(page.get_by_label("What “company” becomes")).to_have_value("business.name")
    page.get_by_role("button", name="Start the import").click()
    expect(page.get_by_role("progressbar").or_(page.get_by_text("Done."))).to_be_visible()
    work(runtime)
    expect(page.get_by_text("Every row is accounted for")).to_be_visible()  # the page looks by itself
    rejected = page.get_by_role("row").filter(has_text="not an address")
    expect(rejected).to_contain_text("3")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all of them").click()
    assert "Noor" in download.value.path().read_text()
    page.get_by_role("link", name="See the contacts").click()
    expect(page.get_by_role("link", name="Ada")).to_be_visible()


def test_a_template_is_seen_while_it_is_written(page: Page):
    page.get_by_role("link", name="Templates").click()
    page.get_by_role("link", name="New template").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Hello")
    page.get_by_label("Subject").fill("Hello {{ contact.first_name }}")
    page.get_by_label("Body").fill("Dear {{ contact.first_name | upcase }},\n\n**welcome**.")
    mail = page.frame_locator("iframe[name=preview]")
    expect(mail.get_by_text("Dear ADA")).to_be_visible()
    page.get_by_role("button", name="Make the template").click()
    expect(page.get_by_role("heading", name="Hello")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Version 1")).to_be_visible()


def test_a_workflow_is_drawn_checked_and_published_from_its_text(page: Page):
    page.get_by_role("link", name="Workflows").click()
    page.get_by_label("Name", exact=True).fill("Welcome series")
    page.get_by_role("button", name="Make a draft").click()
    if not page.url.rstrip("/").endswith("draft"):
        page.get_by_role("link", name=re.compile("draft", re.IGNORECASE)).last.click()
    page.get_by_role("link", name="As text").click()
    graph = {
        "schema": 1,
        "nodes": [{"id": "mark", "type": "add_tag", "config": {"tag": "welcomed"}}],
        "edges": [{"from": "mark", "port": "next", "to": "nowhere"}],
    }
    page.get_by_label("Draft", exact=True).fill(
        json.dumps({"graph": graph, "triggers": [{"type": "manual"}]})
    )
    page.get_by_role("button", name="Save and check").click()
    expect(page.get_by_text("to fix before this can be published")).to_be_visible()
    graph["edges"] = []
    page.get_by_label("Draft", exact=True).fill(
        json.dumps({"graph": graph, "triggers": [{"type": "manual"}]})
    )
    page.get_by_role("button", name="Save and check").click()
    expect(page.get_by_text("The check found nothing wrong")).to_be_visible()
    expect(page.get_by_role("img").get_by_text("Add tag", exact=True)).to_be_visible()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Version 1, live")).to_be_visible()


def test_an_api_key_is_seen_once(page: Page):
    page.get_by_role("link", name="API keys").click()
    page.get_by_label("Name").fill("Shop")
    page.get_by_role("button", name="Make the key").click()
    key = page.get_by_role("region", name="Your new key").get_by_label("Key").input_value()
    assert key.startswith("al_")
    answer = page.request.get(f"/api/v1{HOME}", headers={"Authorization": f"Bearer {key}"})
    assert answer.status == 200
    page.goto(f"{HOME}/api-keys")
    assert key not in page.content()
    expect(page.get_by_role("row").filter(has_text="Shop")).to_contain_text(key[:8])
