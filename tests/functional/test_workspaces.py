"""Workspaces: made, renamed, shared; the first one by a claim link."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoloop.accounts import passwords
from autoloop.accounts.services import Claims
from tests.factories import make_key, make_tenant, make_user
from tests.functional.browser import Browser


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr(passwords, "ROUNDS", 4)


@pytest.fixture
def owner(wsgi, runtime, tenant):
    return Browser(wsgi, runtime, tenant.user_id)


def test_the_first_owner_claims_the_installation_once(wsgi, runtime, monkeypatch):
    """First of this module: its database has nobody yet."""
    with runtime.unit("web") as services:
        old = services(Claims).open_link("http://localhost/")
        link = services(Claims).open_link("http://localhost")
    assert link.startswith("http://localhost/auth/claim?token=")
    browser = Browser(wsgi, runtime)
    with monkeypatch.context() as open_to_all:
        open_to_all.setattr(wsgi.registry.runtime, "settings", replace(runtime.settings, sign_up=True))
        stranger = {"name": "Eve", "email": "eve@a.example", "password": "a fox on the roof"}
        assert browser.api("POST", "/auth/sign-up", stranger).json["code"] == "UNCLAIMED"
        says = browser.get("/auth/sign-up").follow().text
        assert "Open the claim link" in says
        assert "/auth/sign-up" not in says
        assert "has no owner yet" in browser.post("/auth/sign-up", **stranger)
    assert browser.get(old.removeprefix("http://localhost")).status_int == 404, "an earlier link is worthless"
    form = browser.get(link.removeprefix("http://localhost")).forms["claim"]
    form["name"], form["email"], form["password"], form["workspace"] = (
        "Ada",
        "ada@acme.example",
        "short",
        "Acme",
    )
    again = form.submit(expect_errors=True)
    assert again.status_int == 422
    form = again.forms["claim"]
    assert form["email"].value == "ada@acme.example"
    form["password"] = "a fox on the roof"
    landed = form.submit()
    assert landed.location == "http://localhost/w/acme"
    mine = browser.api("GET", "/me").json["data"]
    assert mine["is_admin"]
    assert browser.api("GET", "/w").json["data"][0]["role"] == "owner"
    other = Browser(wsgi, runtime)
    assert other.get(link.removeprefix("http://localhost")).status_int == 404
    body = {
        "token": link.partition("=")[2],
        "name": "E",
        "email": "e@e.example",
        "password": "a fox on the roof",
        "workspace": "E",
    }
    assert other.api("POST", "/auth/claim", body).status_int == 404
    with runtime.unit("web") as services:
        assert services(Claims).open_link("http://localhost") is None


def test_made_by_whoever_signed_in(wsgi, runtime):
    browser = Browser(wsgi, runtime, make_user(runtime)[0])
    made = browser.api("POST", "/w", {"name": "Müller & Söhne", "timezone": "Europe/Berlin"})
    assert made.status_int == 201
    assert made.json["data"]["slug"] == "muller-sohne"
    second = browser.api("POST", "/w", {"name": "Müller & Söhne"}).json["data"]
    assert second["slug"].startswith("muller-sohne-")
    taken = browser.api("POST", "/w", {"name": "X", "slug": "muller-sohne"})
    assert taken.status_int == 409
    assert taken.json["code"] == "SLUG_TAKEN"
    for slug in ("new", "system", "A", "-a", "a--b", "x" * 41):
        assert browser.api("POST", "/w", {"name": "X", "slug": slug}).status_int == 400
    assert browser.api("POST", "/w", {"name": "X", "timezone": "Mars/Base"}).json["details"]["timezone"]


def test_a_former_address_keeps_leading_there(wsgi, runtime, tenant, owner):
    old, new = tenant.slug, f"{tenant.slug}-new"
    assert owner.api("PATCH", f"/w/{old}/settings", {"slug": new}).json["data"]["slug"] == new
    page = owner.get(f"/w/{old}/members?q=a%20b")
    assert page.status_int == 308
    assert page.location == f"http://localhost/w/{new}/members?q=a%20b"
    api = owner.api("GET", f"/w/{old}/settings")
    assert api.status_int == 308
    assert api.location == f"http://localhost/api/v1/w/{new}/settings"
    stranger = Browser(wsgi, runtime, make_tenant(runtime).user_id)
    assert stranger.api("GET", f"/w/{old}/settings").status_int == 404, "strangers learn nothing"
    assert stranger.api("POST", "/w", {"name": "X", "slug": old}).status_int == 409, "it stays taken"
    assert owner.api("PATCH", f"/w/{new}/settings", {"slug": old}).status_int == 200, "but not for its owner"
    assert owner.api("GET", f"/w/{old}").status_int == 200


def test_settings(owner, tenant):
    at = f"/w/{tenant.slug}/settings"
    changed = owner.api("PATCH", at, {"postal_address": "2 High Street\nOxford", "timezone": "Europe/London"})
    assert changed.json["data"]["postal_address"] == "2 High Street\nOxford"
    assert owner.api("PATCH", at, {"postal_address": ""}).json["data"]["postal_address"] == ""
    assert owner.api("PATCH", at, {"name": "  "}).status_int == 400
    assert owner.api("PATCH", at, {"timezone": "Nowhere"}).json["details"]["timezone"]
    assert owner.api("PATCH", at, {"is_system": True}).json["details"] == {
        "is_system": ["There is no such field."]
    }
    actions = [each["action"] for each in owner.api("GET", f"/w/{tenant.slug}/audit").json["data"]]
    assert actions[:2] == ["workspace.changed", "workspace.changed"]


def test_members_come_change_and_go(wsgi, runtime, tenant, owner):
    user_id, email = make_user(runtime)
    at = f"/w/{tenant.slug}/members"
    assert owner.api("POST", at, {"email": "nobody@x.example", "role": "viewer"}).json["details"]["email"]
    assert owner.api("POST", at, {"email": email, "role": "emperor"}).status_int == 400
    assert owner.api("POST", at, {"email": email.upper(), "role": "viewer"}).status_int == 201
    assert owner.api("POST", at, {"email": email, "role": "viewer"}).json["code"] == "IS_MEMBER"
    theirs = Browser(wsgi, runtime, user_id)
    assert theirs.api("GET", f"/w/{tenant.slug}").json["data"]["role"] == "viewer"
    assert owner.api("PATCH", f"{at}/{user_id}", {"role": "admin"}).json["data"]["role"] == "admin"
    assert {each["email"] for each in theirs.api("GET", f"{at}?q=people").json["data"]} == {
        email,
        tenant.email,
    }
    assert theirs.api("PATCH", f"{at}/{user_id}", {"role": "owner"}).status_int == 403
    assert theirs.api("DELETE", f"{at}/{tenant.user_id}").status_int == 403
    assert owner.api("DELETE", f"{at}/{user_id}").status_int == 204
    assert theirs.api("GET", f"/w/{tenant.slug}").status_int == 404


def test_there_is_always_an_owner(runtime, tenant, owner):
    at = f"/w/{tenant.slug}/members"
    for tried in (
        owner.api("DELETE", f"{at}/{tenant.user_id}"),
        owner.api("PATCH", f"{at}/{tenant.user_id}", {"role": "viewer"}),
    ):
        assert tried.status_int == 409
        assert tried.json["code"] == "LAST_OWNER"
    user_id, email = make_user(runtime)
    owner.api("POST", at, {"email": email, "role": "owner"})
    assert owner.api("PATCH", f"{at}/{tenant.user_id}", {"role": "admin"}).status_int == 200
    assert owner.api("PATCH", f"{at}/{user_id}", {"role": "viewer"}).status_int == 403


def test_everybody_can_leave_but_the_last_owner(wsgi, runtime, tenant, owner):
    at = f"/w/{tenant.slug}/members"
    for role in ("viewer", "editor"):
        user_id, email = make_user(runtime)
        assert owner.api("POST", at, {"email": email, "role": role}).status_int == 201
        key = make_key(runtime, tenant.id, user_id)
        bearer = {"Authorization": f"Bearer {key}"}
        theirs = Browser(wsgi, runtime, user_id)
        assert theirs.api("POST", f"{at}/leave", headers=bearer).status_int == 403, "a key leaves nothing"
        assert theirs.api("DELETE", f"{at}/{tenant.user_id}").status_int == 403
        if role == "viewer":
            forms = theirs.get(at).forms.values()
            leave = next(each for each in forms if each.action.endswith("/members/leave"))
            assert leave.submit().location == "http://localhost/w?all"
        else:
            assert theirs.api("POST", f"{at}/leave").status_int == 204
        assert theirs.get(f"/w/{tenant.slug}").status_int == 404
        assert theirs.api("GET", f"/w/{tenant.slug}", headers=bearer).status_int == 401
    last = owner.api("POST", f"{at}/leave")
    assert (last.status_int, last.json["code"]) == (409, "LAST_OWNER")
    refused = owner.post(f"{at}/leave")
    assert (refused.status_int, "at least one owner" in refused.text) == (409, True)
    assert owner.get(f"/w/{tenant.slug}").status_int == 200


def test_the_pages(runtime, tenant, owner):
    for path in (
        "/w?all",
        f"/w/{tenant.slug}",
        *(f"/w/{tenant.slug}/{place}" for place in ("settings", "members", "api-keys", "audit")),
        "/me",
    ):
        assert owner.get(path).status_int == 200, path
    assert owner.get("/w").location == f"http://localhost/w/{tenant.slug}"
    user_id, email = make_user(runtime)
    form = owner.get(f"/w/{tenant.slug}/members").forms["invite"]
    form["email"], form["role"], form.action = email, "viewer", f"/w/{tenant.slug}/members/"
    assert form.submit().location == f"http://localhost/w/{tenant.slug}/members/?done=added"
    forms = owner.get(f"/w/{tenant.slug}/members").forms.values()
    change = next(each for each in forms if each.action.endswith(f"/members/{user_id}"))
    change["role"] = "editor"
    assert change.submit().status_int == 303
    remove = next(each for each in forms if each.action.endswith(f"/members/{user_id}/remove"))
    assert remove.submit().status_int == 303
    assert owner.post(f"/w/{tenant.slug}/members", email=email, role="viewer").status_int == 303
    refused = owner.post(f"/w/{tenant.slug}/members", email=email, role="viewer")
    assert refused.status_int == 409
    assert "member already" in refused.text
    assert owner.post(f"/w/{tenant.slug}/settings", name="Renamed", slug=tenant.slug).status_int == 303
    assert "Renamed" in owner.get(f"/w/{tenant.slug}").text
    assert owner.post("/w", name="Second").location == "http://localhost/w/second"
    taken = owner.post(f"/w/{tenant.slug}/settings", name="Renamed", slug="second")
    assert (taken.status_int, "taken by another workspace" in taken.text) == (409, True)
    assert owner.post("/w", name="").status_int == 422
    for wrong in ({"name": "  "}, {"timezone": "localtime"}, {"timezone": "Mars/Phobos"}, {"locale": "../x"}):
        assert list(owner.api("PATCH", "/me", wrong).json["details"]) == list(wrong)


def test_working_days_and_holidays(owner, tenant):
    at = f"/w/{tenant.slug}/settings"
    found = owner.api("GET", at).json["data"]
    assert (found["working_days"], found["holidays"]) == ([1, 2, 3, 4, 5], [])
    changed = owner.api("PATCH", at, {"holidays": ["2026-12-26", "2026-12-25"], "working_days": [7, 1]})
    assert changed.json["data"]["holidays"] == ["2026-12-25", "2026-12-26"]
    assert owner.api("GET", at).json["data"]["working_days"] == [1, 7]
    for wrong in (
        {"holidays": ["2026-02-30"]},
        {"holidays": ["2026-W01-1"]},
        {"tracking": {}},
        {"name": False},
        {"holidays": "x"},
        {"holidays": ["2026-12-25"] * 501},
        {"working_days": []},
        {"working_days": [8]},
        {"working_days": [1.5]},
        {"working_days": [True]},
        {"working_days": [1, 1]},
    ):
        assert next(iter(wrong)) in str(owner.api("PATCH", at, wrong).json["details"])
    form = owner.get(at).forms["settings"]
    assert (form["holidays"].value.split(), form["day_7"].checked) == (["2026-12-25", "2026-12-26"], True)
    form["holidays"], form["day_2"] = "2027-01-01\n2027-01-06", True
    assert form.submit().status_int == 303
    found = owner.api("GET", at).json["data"]
    assert (found["holidays"], found["working_days"]) == (["2027-01-01", "2027-01-06"], [1, 2, 7])
    form["holidays"] = "tomorrow"
    assert "like 2026-12-25" in form.submit(expect_errors=True).text
