"""Connecting a Gmail account: out by a page that leaves, back by one address, and what protects the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update
from webtest.response import TestResponse

from autoloop.base.runtime import Runtime
from autoloop.mail.models import ProviderAccount
from autoloop_plugins.email.gmail import GmailProvider
from autoloop_plugins.email.gmail.oauth import Places
from tests.factories import Client, Tenant, make_tenant
from tests.functional.browser import Browser
from tests.vendors import google

CONFIG = {"client_id": google.CLIENT_ID, "client_secret": google.CLIENT_SECRET}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[google.FakeGoogle]:
    with google.FakeGoogle() as fake:
        monkeypatch.setattr(
            GmailProvider, "places", Places(f"{fake.url}/consent", f"{fake.url}/token", fake.url)
        )
        yield fake


@pytest.fixture
def me(wsgi: object, runtime: Runtime, tenant: Tenant) -> Browser:
    return Browser(wsgi, runtime, tenant.user_id)


@pytest.fixture
def account(api: Client, tenant: Tenant) -> str:
    made = api.post("providers", {"name": "Ada’s Gmail", "provider": "gmail", "config": CONFIG})
    return f"/w/{tenant.slug}/providers/{made.json['data']['id']}/"


def leave(me: Browser, account: str) -> dict[str, str]:
    """Press the button; the query with which one arrives at Google."""
    page = me.post(account + "connect")
    assert page.status_int == 200, page.text
    (link,) = page.html.select("a#leave")
    assert 'document.getElementById("leave").click()' in page.text
    return {name: values[0] for name, values in parse_qs(urlsplit(link["href"]).query).items()}


def come_back(me: Browser, query: dict[str, str]) -> TestResponse:
    """Follow Google's redirect to the end."""
    answer = me.get("/connected", params=query)
    while answer.status_int in (302, 303):
        where = urlsplit(answer.location)
        answer = me.get(where.path, params=where.query)
    return answer


def refresh_token(runtime: Runtime, tenant: Tenant, account: str) -> Any:
    from uuid import UUID

    from autoloop.mail.services.accounts import ProviderAccounts

    with runtime.unit("web", tenant.id) as services:
        row = services.session.get_one(ProviderAccount, (tenant.id, UUID(account.split("/")[-2])))
        return services(ProviderAccounts).opened(row).get("refresh_token")


def test_a_person_connects_google(
    me: Browser, account: str, fake: google.FakeGoogle, runtime: Runtime, tenant: Tenant
) -> None:
    assert "Connect Google" in me.get(account).text
    query = leave(me, account)
    assert query["redirect_uri"].endswith("/connected")
    done = come_back(me, fake.consent(query))
    assert done.status_int == 200
    assert "Connected." in done.text
    token = refresh_token(runtime, tenant, account)
    assert token in fake.refresh_tokens
    assert token not in done.text
    # A code is good once, and what was kept stays.
    again = come_back(me, {"code": "4/used", "state": query["state"]})
    assert "connect again" in again.text
    assert refresh_token(runtime, tenant, account) == token


def test_a_state_is_good_for_the_session_that_began(
    me: Browser, account: str, fake: google.FakeGoogle, runtime: Runtime, tenant: Tenant, wsgi: object
) -> None:
    back = fake.consent(leave(me, account))
    other = Browser(wsgi, runtime, tenant.user_id)  # the same person, another session
    assert "not good any more" in come_back(other, back).text
    stranger = Browser(wsgi, runtime, make_tenant(runtime).user_id)
    assert come_back(stranger, back).status_int == 404
    assert fake.codes, "nobody handed the code in"
    assert refresh_token(runtime, tenant, account) is None
    for state in ("", "x", back["state"][:-2] + "AA", "a.b"):
        assert me.get("/connected", params={**back, "state": state}).status_int == 400


def test_saying_no_changes_nothing(
    me: Browser, account: str, fake: google.FakeGoogle, runtime: Runtime, tenant: Tenant
) -> None:
    query = leave(me, account)
    done = come_back(me, {"error": "access_denied", "state": query["state"]})
    assert "did not agree" in done.text
    fake.granted = fake.granted.split(" ")[0]
    assert "tick both boxes" in come_back(me, fake.consent(leave(me, account))).text
    assert refresh_token(runtime, tenant, account) is None


def test_who_comes_back_to_an_account_that_is_gone_is_told_so(
    me: Browser, account: str, fake: google.FakeGoogle
) -> None:
    back = fake.consent(leave(me, account))
    assert me.post(account + "remove").status_int == 303
    assert come_back(me, back).status_int == 404


def test_lost_secrets_are_asked_for_before_connecting(
    me: Browser, account: str, runtime: Runtime, tenant: Tenant
) -> None:
    with runtime.unit("web", tenant.id) as services:
        services.session.execute(update(ProviderAccount).values(secrets=b"x"))
    assert me.get(account).status_int == 200
    told = me.post(account + "connect").follow()
    assert "Save the account&#39;s settings first: client_secret." in told.text


def test_only_a_post_with_a_token_leaves(me: Browser, account: str) -> None:
    assert me.get(account + "connect").status_int in (404, 405)
    assert me.app.post(account + "connect", expect_errors=True).status_int in (400, 403)
