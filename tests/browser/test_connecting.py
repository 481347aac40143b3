"""Connecting an account in a real browser: out to another site and back, under our own policies."""

from __future__ import annotations

from urllib.parse import urlencode

from autoloop_plugins.email.gmail import GmailProvider
from autoloop_plugins.email.gmail.oauth import Places
from tests.factories import Client
from tests.vendors import google
from tests.vendors.server import Answer, Asked


def test_the_page_leaves_by_itself_and_the_session_comes_back(signed_in, address, owner, wsgi, monkeypatch):
    with google.FakeGoogle() as fake:
        elsewhere = fake.url.replace("127.0.0.1", "localhost")  # another site to a browser
        monkeypatch.setattr(
            GmailProvider, "places", Places(f"{elsewhere}/consent", f"{fake.url}/token", fake.url)
        )

        def agree(asked: Asked) -> Answer:
            back = f"{address}/connected?{urlencode(fake.consent(asked.query))}"
            return Answer(302, b"", {"Location": back})

        fake.planned = [agree]
        config = {"client_id": google.CLIENT_ID, "client_secret": google.CLIENT_SECRET}
        made = Client(wsgi, owner.slug, owner.key).post(
            "providers", {"name": "Gmail", "provider": "gmail", "config": config}
        )
        page = signed_in.new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(f"/w/{owner.slug}/providers/{made.json['data']['id']}")
        page.get_by_role("button", name="Connect Google").click()
        page.get_by_text("Connected.", exact=True).wait_for()
        assert complaints == []
        assert len(fake.refresh_tokens) == 1
