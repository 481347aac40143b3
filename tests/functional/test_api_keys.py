"""API keys: shown once, kept hashed, ended at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from autoloop.accounts.models import ApiKey
from autoloop.base.clock import FixedClock
from tests.factories import Client
from tests.functional.browser import Browser


@pytest.fixture
def browser(wsgi, runtime, tenant):
    return Browser(wsgi, runtime, tenant.user_id)


def create(browser, tenant, **given):
    body = {"name": "Shop", "scopes": ["read", "write"]} | given
    return browser.api("POST", f"/w/{tenant.slug}/api-keys", body)


def test_shown_once_and_kept_hashed(browser, runtime, tenant):
    made = create(browser, tenant).json["data"]
    key = made["key"]
    assert key.startswith(f"al_{made['prefix']}_")
    secret = key.rpartition("_")[2]
    assert len(secret) == 40
    for path in ("", f"/{made['id']}"):
        shown = browser.api("GET", f"/w/{tenant.slug}/api-keys{path}")
        assert shown.status_int == 200
        assert secret not in shown.text
    with runtime.unit("web") as services:
        row = services.session.scalar(select(ApiKey).where(ApiKey.prefix == made["prefix"]))
        assert secret.encode() not in row.secret_hash
        kept = services.session.execute(text("select string_agg(k::text, ' ') from api_keys k")).scalar_one()
        assert secret not in kept
    audit = browser.api("GET", f"/w/{tenant.slug}/audit").text
    assert "api_key.created" in audit
    assert secret not in audit


def test_works_says_when_it_was_used_and_ends(wsgi, browser, tenant):
    made = create(browser, tenant).json["data"]
    client = Client(wsgi, tenant.slug, made["key"])
    assert made["last_used_at"] is None
    client.get("")
    path = f"/w/{tenant.slug}/api-keys/{made['id']}"
    assert browser.api("GET", path).json["data"]["last_used_at"]
    assert browser.api("DELETE", path).status_int == 204
    client.get("", status=401)
    assert browser.api("GET", path).json["data"]["revoked_at"]
    assert browser.api("DELETE", path).status_int == 204, "twice is fine"


def test_only_the_whole_key(wsgi, browser, tenant):
    key = create(browser, tenant).json["data"]["key"]
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    for given in (wrong, key[:-1], key + "a", key.upper(), key.replace("al_", "xx_"), key.rpartition("_")[0]):
        Client(wsgi, tenant.slug, given).get("", status=401)
    Client(wsgi, tenant.slug, key).get("")


def test_expires(wsgi, runtime, browser, tenant, monkeypatch):
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert create(browser, tenant, expires_at=past.isoformat()).json["details"]["expires_at"]
    soon = datetime.now(UTC) + timedelta(hours=1)
    client = Client(
        wsgi, tenant.slug, create(browser, tenant, expires_at=soon.isoformat()).json["data"]["key"]
    )
    client.get("")
    monkeypatch.setattr(wsgi.registry.runtime, "clock", FixedClock(soon))
    client.get("", status=401)


@pytest.mark.parametrize(
    "given",
    [
        {"scopes": []},
        {"scopes": ["admin"]},
        {"name": ""},
        {"name": "  "},
        {"scopes": "read"},
        {"x": 1},
        {"expires_at": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_nonsense_is_refused(browser, tenant, given):
    response = create(browser, tenant, **given)
    assert response.status_int == 400
    assert response.json["details"]


def test_keys_that_ended_take_no_place(browser, runtime, tenant, monkeypatch):
    monkeypatch.setattr("autoloop.accounts.services.api_keys.MOST", 2)
    assert create(browser, tenant).status_int == 201  # beside the tenant's own
    assert create(browser, tenant).status_int == 400
    with runtime.unit("web") as services:
        services.session.execute(
            text("update api_keys set expires_at = now() - interval '1 day' where workspace_id = :id"),
            {"id": tenant.id},
        )
    assert create(browser, tenant).status_int == 201


def test_a_key_that_reads_changes_nothing(wsgi, browser, tenant):
    client = Client(wsgi, tenant.slug, create(browser, tenant, scopes=["read"]).json["data"]["key"])
    client.get("notifications")
    client.post("notifications/mark-read", {}, status=403)
    client.put("notifications/preference", {"mail": False}, status=403)


def test_no_copy_is_kept_for_repeating(browser, runtime, tenant):
    body = {"name": "Shop", "scopes": ["read"]}
    response = browser.api("POST", f"/w/{tenant.slug}/api-keys", body, headers={"Idempotency-Key": "once"})
    assert response.status_int == 400
    outside = browser.api("POST", "/w", {"name": "Else"}, headers={"Idempotency-Key": "once"})
    assert outside.json["code"] == "BAD_IDEMPOTENCY_KEY"
    with runtime.unit("web", tenant.id) as services:
        assert services.session.execute(text("select count(*) from idempotency_keys")).scalar_one() == 0


def test_another_workspaces_key_cannot_be_seen_or_revoked(wsgi, runtime, browser, tenant):
    from tests.factories import make_tenant

    other = make_tenant(runtime)
    with runtime.unit("web") as services:
        theirs = services.session.scalar(select(ApiKey.id).where(ApiKey.workspace_id == other.id))
    path = f"/w/{tenant.slug}/api-keys/{theirs}"
    assert browser.api("GET", path).status_int == 404
    assert browser.api("DELETE", path).status_int == 404
    Client(wsgi, other.slug, other.key).get("")


def test_the_page_shows_the_key_once(browser, tenant):
    shown = browser.post(f"/w/{tenant.slug}/api-keys", name="Page", scope="write", days="30")
    assert shown.status_int == 200
    assert "no-store" in shown.headers["Cache-Control"]
    key = shown.html.find(id="new-key")["value"]
    assert key.startswith("al_")
    again = browser.get(f"/w/{tenant.slug}/api-keys")
    assert key not in again.text
    assert key.split("_")[1] in again.text
