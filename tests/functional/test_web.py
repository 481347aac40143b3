"""What every answer keeps, whatever is behind it: headers, tokens, logs, the cache."""

from __future__ import annotations

import logging
from contextlib import ExitStack

import pytest
from sqlalchemy import text
from webtest import TestApp

from autoloop.web.places import PLACES
from autoloop.web.traffic import client_address, network
from autoloop.workspaces.models import Member
from tests.factories import Client, make_key, make_tenant, make_user
from tests.functional.browser import Browser

EVERYWHERE = (
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Content-Security-Policy",
    "Referrer-Policy",
    "Permissions-Policy",
    "X-Request-Id",
)


@pytest.fixture
def browser(wsgi, runtime, tenant):
    return Browser(wsgi, runtime, tenant.user_id)


# --- headers, methods, addresses


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/auth/sign-in",
        "/nothing",
        "/api/v1/me",
        "/api/v1/openapi.json",
        "/health",
        "/static/nothing.js",
        "/%FF",
        "/me",
    ],
)
def test_every_answer_carries_the_headers(app, path):
    for method in ("GET", "HEAD", "OPTIONS", "POST"):
        response = app.request(path, method=method, expect_errors=True)
        assert response.status_int < 500
        assert [name for name in EVERYWHERE if name not in response.headers] == [], method
        framed = response.headers["X-Frame-Options"]
        assert framed == "DENY"


def test_head_is_get_without_a_body(api, browser, tenant):
    for path in ("contacts", "/me", "businesses"):
        answer, head = api.get(path), api.call("HEAD", path)
        assert head.body == b""
        assert head.headers["Content-Type"] == answer.headers["Content-Type"]
    assert browser.app.head(f"/w/{tenant.slug}/contacts").body == b""


def test_a_wrong_method_says_which_are_right(api):
    refused = api.call("OPTIONS", "contacts", status=405)
    assert {"GET", "POST"} <= set(refused.headers["Allow"].split(", "))
    assert refused.json["code"] == "METHOD_NOT_ALLOWED"


def test_slashes_at_the_end_make_no_difference(api, browser, tenant):
    assert api.call("GET", f"/w/{tenant.slug}/contacts/").json == api.get("contacts").json
    assert browser.get(f"/w/{tenant.slug}/contacts/").status_int == 200


def test_after_sign_in_any_address_of_ours_and_no_other(browser):
    for where, to in (
        ("/w/a?q=%C3%A9", "/w/a?q=%C3%A9"),
        ("/w/日本", "/w/%E6%97%A5%E6%9C%AC"),
        ("//evil.example", "/w"),
        ("/\\evil.example", "/w"),
        ("/\t/evil.example", "/w"),
        ("https:evil.example", "/w"),
    ):
        response = browser.app.get("/auth/sign-in", {"next": where}, expect_errors=True)
        assert response.status_int == 303
        assert response.location == f"http://localhost{to}"


@pytest.mark.parametrize(
    ("hops", "forwarded", "believed"),
    [
        (0, "6.6.6.6", "127.0.0.1"),
        (1, "6.6.6.6, 10.0.0.1", "10.0.0.1"),
        (2, "6.6.6.6, 10.0.0.1, 10.0.0.2", "10.0.0.1"),
        (2, "10.0.0.2", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_only_our_own_proxies_are_believed(hops, forwarded, believed):
    class Settings:
        trusted_proxies = hops

    class Runtime:
        settings = Settings

    class Request:
        runtime = Runtime
        headers = {"X-Forwarded-For": forwarded}
        remote_addr = "127.0.0.1"

    assert client_address(Request) == believed


@pytest.mark.parametrize(
    "address, counted",
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_limits_count_a_network_of_ipv6_as_one(address, counted):
    assert network(address) == counted


# --- CSRF


def test_no_page_takes_a_form_without_a_token(wsgi, browser, tenant):
    views = wsgi.registry.introspector.get_category("views")
    posts = [
        each["introspectable"]
        for each in views
        if "POST" in (each["introspectable"]["request_methods"] or ())
        and each["introspectable"]["route_name"] is None
    ]
    assert len(posts) > 30
    assert [
        view.title
        for view in posts
        if view["derived_callable"] is not None
        and view["require_csrf"] is False
        and "unsubscribe" not in str(view["callable"]).lower()
        and "mail.preferences" not in str(getattr(view["callable"], "__module__", ""))
        and "mail.inbound" not in str(getattr(view["callable"], "__module__", ""))
        and "forms.public" not in str(getattr(view["callable"], "__module__", ""))
    ] == []
    for path in (
        "/auth/password",
        "/auth/sign-out",
        "/auth/sign-up",
        "/auth/claim",
        "/w",
        f"/w/{tenant.slug}/contacts",
        "/me",
    ):
        for token in ({}, {"csrf_token": "0" * 64}):
            refused = browser.app.post(path, {"name": "x", **token}, expect_errors=True)
            assert refused.status_int == 403, path
            assert "another site" in refused.text
            assert "Not for your role" not in refused.text


def test_a_file_is_no_token(browser):
    refused = browser.app.post(
        "/me", {"name": "x"}, upload_files=[("csrf_token", "a.txt", b"x")], expect_errors=True
    )
    assert refused.status_int == 403


# --- the cache


def test_a_cached_answer_is_only_for_who_may_read_it(api, wsgi, runtime, tenant):
    api.post("businesses", {"name": "Cached"})
    assert [api.get("businesses").headers["X-Cache"] for _ in range(2)] == ["miss", "hit"]
    other = make_tenant(runtime)
    stranger = Client(wsgi, tenant.slug, other.key)
    stranger.get("businesses", status=404)
    Client(wsgi, tenant.slug, None).get("businesses", status=401)
    assert Client(wsgi, other.slug, other.key).data("businesses") == []
    assert api.get("businesses", headers={"Cache-Control": "no-cache"}).headers["X-Cache"] == "bypass"
    user_id, _email = make_user(runtime)
    with runtime.unit("web") as services:
        services.session.add(Member(workspace_id=tenant.id, user_id=user_id, role="viewer"))
    viewer = Client(wsgi, tenant.slug, make_key(runtime, tenant.id, user_id))
    assert viewer.get("businesses", headers={"Cache-Control": "no-cache"}).headers["X-Cache"] == "hit"


def test_a_savepoint_that_fails_forgets_no_change(runtime, tenant):
    number = text(
        "select coalesce((select n from generations where workspace_id = :ws and resource = 'x'), 0)"
    )
    with runtime.unit("web", tenant.id) as services:
        services.changed("x")
        savepoint = services.session.begin_nested()
        savepoint.rollback()
    with runtime.unit("web", tenant.id) as services:
        assert services.session.scalar(number, {"ws": tenant.id}) == 1
    with pytest.raises(RuntimeError), runtime.unit("web", tenant.id) as services:
        services.changed("x")
        with services.session.begin_nested():
            services.changed("x")
        raise RuntimeError
    with runtime.unit("web", tenant.id) as services:
        assert services.session.scalar(number, {"ws": tenant.id}) == 1


def test_a_nudge_waits_for_the_commit_and_survives_a_savepoint(runtime, tenant, monkeypatch):
    sent = []
    monkeypatch.setattr(runtime.nudger, "nudge", sent.append)
    with runtime.unit("web", tenant.id) as services:
        services.nudge("advance")
        with services.session.begin_nested():
            services.session.execute(text("select 1"))
        services.session.begin_nested().rollback()
        assert sent == []
    assert sent == ["advance"]


# --- limits and logs


def test_too_many_requests_of_one_address(settings):
    import dataclasses

    from autoloop.config import configure

    config = configure(dataclasses.replace(settings, request_limit_per_minute=3))
    app = TestApp(
        config.make_wsgi_app(), extra_environ={"REMOTE_ADDR": "192.0.2.7", "HTTP_HOST": "localhost"}
    )
    answers = [app.get("/api/v1/me", expect_errors=True) for _ in range(5)]
    assert [each.status_int for each in answers][-1] == 429
    assert int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].json["code"] == "TOO_MANY_REQUESTS"
    assert app.get("/health").status_int == 200, "whoever watches is not limited"
    assert app.get("/healthy", expect_errors=True).status_int == 429
    config.registry.runtime.dispose()


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_who_watches_waits_for_no_place_and_is_nobody(wsgi, monkeypatch, path):
    monkeypatch.setattr(wsgi.registry.registrations, "identity_finders", [None])  # whoever asks it fails
    with ExitStack() as held:
        for _ in range(PLACES):
            held.enter_context(wsgi.registry.places)
        credentials = {"Authorization": "Bearer something"}
        answer = TestApp(wsgi, extra_environ={"HTTP_HOST": "localhost"}).get(path, headers=credentials)
    assert answer.status_int == 200


def test_logs_hold_no_secrets(app, browser, tenant, caplog):
    caplog.set_level(logging.DEBUG)
    secret = "s3cr3t-of-mine"
    app.post_json("/api/v1/auth/password", {"email": "a@b.example", "password": secret}, expect_errors=True)
    browser.post("/auth/password", email="a@b.example", password=secret)
    app.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}, expect_errors=True)
    app.get(f"/auth/claim?token={secret}", expect_errors=True)
    app.get(f"/t/{secret}", expect_errors=True)
    app.get(f"/t/{secret}/unsubscribe", expect_errors=True)
    app.get(f"/hooks/{secret}", expect_errors=True)
    browser.post(f"/w/{tenant.slug}/contacts", email=f"{secret}@", last_name=secret)
    messages = [record.getMessage() for record in caplog.records if record.name.startswith("autoloop")]
    assert any("/auth/password" in message for message in messages)
    assert [message for message in messages if secret in message] == []
