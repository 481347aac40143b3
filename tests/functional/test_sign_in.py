"""Signing in and out, sessions and their renewal, over HTTP."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from autoloop.accounts import passwords
from autoloop.accounts.services import Users
from autoloop.base.clock import FixedClock
from tests.functional.browser import Browser

PASSWORD = "a fox on the roof"


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr(passwords, "ROUNDS", 4)


@pytest.fixture
def clock(wsgi, runtime, monkeypatch):
    clock = FixedClock(datetime.now(UTC))
    monkeypatch.setattr(wsgi.registry.runtime, "clock", clock)
    monkeypatch.setattr(runtime, "clock", clock)
    return clock


@pytest.fixture
def email(runtime):
    address = f"{secrets.token_hex(6)}@people.example"
    with runtime.unit("web") as services:
        services(Users).create(address, "Ada", PASSWORD)
    return address


@pytest.fixture
def browser(wsgi, runtime):
    return Browser(wsgi, runtime)


def sign_in(browser, email, password=PASSWORD):
    return browser.api("POST", "/auth/password", {"email": email, "password": password})


def whoami(browser):
    response = browser.api("GET", "/me")
    return response.json["data"]["email"] if response.status_int == 200 else response.status_int


def set_cookies(browser, **values):
    browser.app.reset()
    for name, value in values.items():
        browser.app.set_cookie(name, value)


def test_in_and_out(browser, email):
    assert whoami(browser) == 401
    assert sign_in(browser, email.upper()).status_int == 200
    assert whoami(browser) == email
    kept = browser.cookies
    assert browser.api("POST", "/auth/sign-out").status_int == 204
    assert whoami(browser) == 401
    set_cookies(browser, access=kept["access"], refresh=kept["refresh"])
    assert whoami(browser) == 401, "the session is over, not only its cookies"


def test_cookies_are_out_of_reach(browser, email):
    response = sign_in(browser, email)
    kept = [each for each in response.headers.getall("Set-Cookie") if each.startswith(("access", "refresh"))]
    assert len(kept) == 2
    for each in kept:
        assert "HttpOnly" in each
        assert "SameSite=Lax" in each
        assert "Path=/" in each
        assert "Domain" not in each
    assert "no-store" in response.headers["Cache-Control"]


def test_with_a_page(browser, email):
    page = browser.get("/auth/sign-in?next=/me")
    form = page.forms["sign-in-password"]
    form["email"], form["password"] = email, "not the password"
    again = form.submit(expect_errors=True)
    assert again.status_int == 422
    assert again.forms["sign-in-password"]["email"].value == email
    assert "not the password" not in again.text
    form = again.forms["sign-in-password"]
    form["password"] = PASSWORD
    landed = form.submit()
    assert landed.status_int == 303
    assert landed.location == "http://localhost/me"
    assert browser.get("/auth/sign-in").status_int == 303


@pytest.mark.parametrize(
    "where", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1", "/a\nb"]
)
def test_never_leads_elsewhere(browser, email, where):
    response = browser.post("/auth/password", email=email, password=PASSWORD, next=where)
    assert response.location == "http://localhost/w"


def test_needs_a_token_of_this_browser(browser, email, wsgi, runtime):
    body = {"email": email, "password": PASSWORD}
    assert browser.app.post_json("/api/v1/auth/password", body, expect_errors=True).status_int == 403
    foreign = Browser(wsgi, runtime).token()
    browser.token()
    for token in (foreign, "", "x" * 64, "é"):
        headers = {"X-CSRF-Token": token.encode("utf-8").decode("latin-1")}
        refused = browser.app.post_json("/api/v1/auth/password", body, headers=headers, expect_errors=True)
        assert refused.status_int == 403
        assert refused.json["code"] == "BAD_CSRF_TOKEN"
    before = browser.token()
    assert sign_in(browser, email).status_int == 200
    stale = browser.app.patch_json(
        "/api/v1/me", {"name": "X"}, headers={"X-CSRF-Token": before}, expect_errors=True
    )
    assert stale.status_int == 403, "a token from before sign-in is worth nothing after it"


def test_unknown_address_and_wrong_password_are_one_answer(browser, email):
    wrong, unknown = sign_in(browser, email, "wrong"), sign_in(browser, "nobody@people.example", "wrong")
    assert wrong.status_int == unknown.status_int == 401
    assert wrong.json | {"timestamp": ""} == unknown.json | {"timestamp": ""}
    assert wrong.json["code"] == "SIGN_IN_FAILED"


@pytest.mark.parametrize("known", [True, False])
def test_failures_are_delayed_alike(browser, email, clock, known):
    address = email if known else f"{secrets.token_hex(6)}@nobody.example"
    answers = [sign_in(browser, address, "wrong") for _each in range(4)]
    assert [each.status_int for each in answers] == [401, 401, 401, 429]
    assert answers[3].headers["Retry-After"] == "1"
    assert sign_in(browser, address).status_int == 429, "the right password has to wait too"
    clock.advance(timedelta(seconds=1))
    assert sign_in(browser, address).status_int == (200 if known else 401)


def test_many_tries_from_one_place(wsgi, runtime, browser, email, monkeypatch):
    settings = wsgi.registry.runtime.settings
    object.__setattr__(settings, "sign_in_limit_per_minute", 2)
    try:
        found = [sign_in(browser, f"{n}@nobody.example", "wrong").status_int for n in range(6)]
    finally:
        object.__setattr__(settings, "sign_in_limit_per_minute", 1_000_000)
    assert found[-1] == 429


def test_renewal_is_unseen(browser, email, clock):
    sign_in(browser, email)
    first = browser.cookies
    clock.advance(timedelta(minutes=9))
    assert whoami(browser) == email
    assert browser.cookies["access"] == first["access"]
    clock.advance(timedelta(minutes=2))
    assert whoami(browser) == email
    renewed = browser.cookies
    assert renewed["access"] != first["access"]
    assert renewed["refresh"] != first["refresh"]
    assert whoami(browser) == email
    assert browser.cookies == renewed


def test_renewal_survives_a_request_that_fails(browser, email, clock):
    sign_in(browser, email)
    clock.advance(timedelta(minutes=11))
    assert browser.api("GET", "/w/nobody-has-this").status_int == 404
    clock.advance(timedelta(minutes=1))
    assert whoami(browser) == email


def test_requests_side_by_side_renew_to_the_same(browser, email, clock):
    sign_in(browser, email)
    old = browser.cookies["refresh"]
    clock.advance(timedelta(minutes=11))
    set_cookies(browser, refresh=old)
    assert whoami(browser) == email
    first = browser.cookies["refresh"]
    clock.advance(timedelta(seconds=29))
    set_cookies(browser, refresh=old)
    assert whoami(browser) == email
    assert browser.cookies["refresh"] == first
    clock.advance(timedelta(minutes=11))
    assert whoami(browser) == email


def test_a_copied_token_ends_the_session(browser, email, clock):
    sign_in(browser, email)
    old = browser.cookies["refresh"]
    clock.advance(timedelta(minutes=11))
    assert whoami(browser) == email
    mine = browser.cookies
    clock.advance(timedelta(seconds=31))
    set_cookies(browser, refresh=old)
    assert whoami(browser) == 401
    set_cookies(browser, access=mine["access"], refresh=mine["refresh"])
    assert whoami(browser) == 401


def test_a_forged_token_ends_nothing(browser, email, clock):
    sign_in(browser, email)
    mine = browser.cookies
    body, signature = mine["refresh"].split(".")
    set_cookies(browser, refresh=f"{body[:-4]}AAAA.{signature}")
    assert whoami(browser) == 401
    set_cookies(browser, **{name: mine[name] for name in ("access", "refresh")})
    assert whoami(browser) == email


def test_an_unused_session_ends(browser, email, clock, settings):
    sign_in(browser, email)
    clock.advance(timedelta(days=settings.session_days, minutes=1))
    assert whoami(browser) == 401


def test_a_new_password_ends_the_others(wsgi, runtime, browser, email):
    other = Browser(wsgi, runtime)
    sign_in(browser, email)
    sign_in(other, email)
    stolen = browser.cookies["access"]
    wrong = browser.api("POST", "/me/password", {"current": "wrong", "password": "a newer password"})
    assert wrong.status_int == 400
    weak = browser.api("POST", "/me/password", {"current": PASSWORD, "password": "qwertyuiop"})
    assert weak.json["details"]["password"]
    good = browser.api("POST", "/me/password", {"current": PASSWORD, "password": "a newer password"})
    assert good.status_int == 204
    assert whoami(browser) == email
    assert whoami(other) == 401
    set_cookies(other, access=stolen)
    assert whoami(other) == 401, "a token from before is worthless"
    set_cookies(other)
    assert sign_in(other, email).status_int == 401
    assert sign_in(other, email, "a newer password").status_int == 200


def test_sessions_are_listed_and_ended(wsgi, runtime, browser, email):
    other, stranger = Browser(wsgi, runtime), Browser(wsgi, runtime)
    sign_in(browser, email)
    sign_in(other, email)
    listed = browser.api("GET", "/me/sessions").json["data"]
    assert sorted(each["current"] for each in listed) == [False, True]
    there = next(each["id"] for each in listed if not each["current"])
    assert stranger.api("DELETE", f"/me/sessions/{there}").status_int == 401
    with runtime.unit("web") as services:
        services(Users).create("stranger@people.example", "S", PASSWORD)
    sign_in(stranger, "stranger@people.example")
    assert stranger.api("DELETE", f"/me/sessions/{there}").status_int == 404
    assert browser.api("DELETE", f"/me/sessions/{there}").status_int == 204
    assert whoami(other) == 401
    assert whoami(browser) == email


def test_shut_out_at_once(runtime, browser, email):
    sign_in(browser, email)
    with runtime.unit("web") as services:
        services(Users).deactivate(services(Users).by_email(email))
    assert whoami(browser) == 401
    assert sign_in(browser, email).status_int == 401


def test_sign_up_only_where_it_is_let(wsgi, browser, email):
    body = {"name": "New", "email": f"{secrets.token_hex(6)}@people.example", "password": PASSWORD}
    assert browser.api("POST", "/auth/sign-up", body).status_int == 404
    settings = wsgi.registry.runtime.settings
    object.__setattr__(settings, "sign_up", True)
    try:
        assert browser.api("POST", "/auth/sign-up", body).status_int in (200, 201)
        assert whoami(browser) == body["email"]
        assert browser.api("POST", "/auth/sign-up", body).status_int == 409
    finally:
        object.__setattr__(settings, "sign_up", False)


def test_unknown_methods_and_fields(browser):
    assert browser.api("POST", "/auth/telepathy", {}).status_int == 404
    extra = browser.api("POST", "/auth/password", {"email": "a@b.example", "password": "x", "admin": True})
    assert extra.json["details"] == {"admin": ["There is no such field."]}


def test_over_https_the_names_bind_cookies_to_this_host(postgres, database, redis, email):
    from webtest import TestApp

    from autoloop.config import configure
    from tests.conftest import settings_for

    config = configure(
        settings_for(postgres, database, redis, cookie_secure=True, public_url="https://localhost")
    )
    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost", "wsgi.url_scheme": "https"}
    app = TestApp(config.make_wsgi_app(), extra_environ=environ)
    try:
        token = app.get("/api/v1/auth").json["data"]["csrf_token"]
        headers = {"X-CSRF-Token": token, "Referer": "https://localhost/auth/sign-in"}
        answer = app.post_json(
            "/api/v1/auth/password", {"email": email, "password": PASSWORD}, headers=headers
        )
        kept = [
            each for each in answer.headers.getall("Set-Cookie") if "access=" in each or "refresh=" in each
        ]
        assert {each.partition("=")[0] for each in kept} == {"__Host-access", "__Host-refresh"}
        assert all("; secure" in each.lower() for each in kept)
        assert app.get("/api/v1/me").json["data"]["email"] == email
        foreign = headers | {"Referer": "https://evil.example/"}
        refused = app.post_json("/api/v1/auth/password", {}, headers=foreign, expect_errors=True)
        assert refused.json["code"] == "BAD_CSRF_TOKEN"
    finally:
        config.registry.runtime.dispose()
