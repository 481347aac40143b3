"""Captured mail that is looked at in the dashboard: real links, and nothing is counted."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from autoloop.base.runtime import Runtime
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld, drain
from tests.functional.tracking_world import OFFERS, RECORDING, SOURCE, Reader, agreeing, counted, published

EACH = '{% for n in (1..2) %}<a href="https://shop.example/{{ contact.first_name }}/{{ n }}">No {{ n }}</a>{% endfor %}'


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


def test_a_captured_mail_shows_where_its_links_lead_and_counts_nothing(
    api: Client, runtime: Runtime, wsgi: object, tenant: Tenant, world: MailWorld
) -> None:
    world.sql(RECORDING)
    version = published(api, SOURCE.replace("</body>", EACH + "</body>"))
    context: dict[str, Any] = {
        "contact": {"first_name": 'A"da', "email": "ada@example.org"},
        "now": "2026-01-01T00:00:00+00:00",
    }
    given = {"kind": "marketing", "contact_id": agreeing(world), "to_address": "ada@example.org"}
    world.intend(template_version_id=version, context=context, is_tracked=True, content=None, **given)
    drain(runtime)
    (kept,) = api.data("mailbox")
    assert "/t/" in api.data(f"mailbox/{kept['id']}")["html"]  # as it was captured
    browser = Browser(wsgi, runtime, tenant.user_id)
    shown = browser.get(f"/w/{tenant.slug}/mailbox/{kept['id']}/preview").text
    read = Reader(shown)
    assert [link for link in read.links.values() if re.match(r"/t/[\w-]{72}$", link)] == []
    assert unescape(read.links["Offers"]) == OFFERS
    assert read.links["No 1"].endswith("/1") and read.links["No 2"].endswith("/2")
    assert read.links["Yours"].startswith("https://shop.example/A")
    assert read.pictures == ["data:,"] and counted(world) == []
    world.sql("update email_logs set context = jsonb_build_object() where workspace_id = :w")
    shown = browser.get(f"/w/{tenant.slug}/mailbox/{kept['id']}/preview").text
    assert Reader(shown).links["Offers"] == OFFERS and Reader(shown).pictures == ["data:,"]
