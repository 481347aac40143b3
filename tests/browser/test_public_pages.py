"""What recipients see, in Chromium: no script, no violation, both themes, a phone, every language."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from autoloop.base.i18n import LANGUAGES
from autoloop.mail.links import PURPOSES, Links
from tests.functional.mail_world import MailWorld, drain

AXE = Path(__file__).parents[2] / "autoloop/web/frontend/node_modules/axe-core/axe.min.js"
VIEWS = {"preferences": ("preferences", "why")}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def links(runtime, wsgi) -> list[str]:
    from tests.factories import Client, make_tenant

    tenant = make_tenant(runtime)
    world, api = MailWorld(runtime, tenant), Client(wsgi, tenant.slug, tenant.key)
    for key, name in (("news", "News"), ("offers", "Offers and very long names of topics that go on")):
        api.post("topics", {"key": key, "name": name, "description": "About once a month"})
    contact = world.contact("ada@example.org", topics=["news"], consent_marketing="granted")
    workflow, run = world.run(contact, trigger="form")
    (email,) = world.intend(
        kind="marketing", contact_id=contact, to_address="ada@example.org", workflow_id=workflow
    )
    drain(runtime)
    world.sql("update email_logs set run_id = :run where workspace_id = :w", run=run)
    made = Links("", runtime.settings.secret_keys)
    return [
        f"/t/{made.token(purpose, tenant.id, email)}/{view}"
        for purpose in PURPOSES
        for view in VIEWS.get(purpose, ("",))
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_public_pages_are_accessible_on_a_phone(chromium, address, links, theme) -> None:
    context = chromium.new_context(
        viewport={"width": 320, "height": 700}, color_scheme=theme, bypass_csp=True
    )
    page = context.new_page()
    for language, path in product(LANGUAGES, links):
        page.set_extra_http_headers({"Accept-Language": language})
        assert page.goto(address + path).status == 200
        assert page.get_attribute("html", "lang") == language
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        page.add_script_tag(path=str(AXE))
        found = page.evaluate(
            "axe.run().then(all => all.violations.map(each => each.id + ': ' + each.nodes[0].html))"
        )
        assert found == [], path
    context.close()


def test_choices_work_without_scripts(chromium, address, links) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(address + links[1])
    page.get_by_label("Offers").check()
    page.get_by_label("How often").select_option("7")
    page.get_by_role("button", name="Save").click()
    assert page.get_by_role("status").inner_text() == "Saved."
    assert page.get_by_label("Offers").is_checked()
    context.close()
