"""Who is let in where: strangers, members without the right, keys; one answer for what is not theirs."""

from __future__ import annotations

import pytest

from autoloop.workspaces.models import Member
from autoloop.workspaces.services import Workspaces
from tests.factories import Client, make_key, make_tenant, make_user
from tests.functional.browser import Browser

RANDOM_ID = "0190d5a8-0000-7000-8000-000000000000"
PLACES = (
    "",
    "/settings",
    "/members",
    f"/members/{RANDOM_ID}",
    "/api-keys",
    f"/api-keys/{RANDOM_ID}",
    "/audit",
    "/nonsense",
    "/members/not-an-id",
    "/members/../settings",
    "/@@settings",
    "/contacts",
    "/settings/deeper/and/deeper",
)
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD")


def member(runtime, tenant, role):
    """A person in that role: their id."""
    user_id, _email = make_user(runtime)
    with runtime.unit("web") as services:
        services.session.add(Member(workspace_id=tenant.id, user_id=user_id, role=role))
    return user_id


def plain(response):
    """An answer without what differs between any two."""
    body = (
        response.json | {"timestamp": ""}
        if response.headers.get("Content-Type", "").startswith("application/json") and response.body
        else response.text
    )
    varying = (
        "X-Request-Id",
        "Server-Timing",
        "RateLimit-Remaining",
        "RateLimit-Reset",
        "Content-Length",
        "Set-Cookie",
        "Content-Security-Policy",
    )
    headers = {name: value for name, value in response.headers.items() if name not in varying}
    return response.status_int, headers, body


@pytest.mark.parametrize("place", ["", *PLACES])
def test_anonymous_is_asked_to_sign_in_wherever(wsgi, tenant, place):
    anonymous = Client(wsgi, tenant.slug, None)
    answers = []
    for slug in (tenant.slug, "nobody-has-this", "NOT A SLUG", "%00", "x" * 300):
        for method in METHODS:
            response = anonymous.app.request(f"/api/v1/w/{slug}{place}", method=method, expect_errors=True)
            assert response.status_int == 401, f"{method} {slug}{place}"
            if method != "HEAD":
                answers.append(plain(response))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][2]["code"] == "SIGN_IN_REQUIRED"
    assert "WWW-Authenticate" in answers[0][1]


def test_anonymous_pages_lead_to_sign_in(wsgi, runtime, tenant):
    browser = Browser(wsgi, runtime)
    for slug in (tenant.slug, "nobody-has-this"):
        response = browser.get(f"/w/{slug}/members?q=a")
        assert response.status_int == 303
        assert response.location == f"http://localhost/auth/sign-in?next=%2Fw%2F{slug}%2Fmembers%3Fq%3Da"
    assert browser.get("/me").status_int == 303


@pytest.mark.parametrize("by", ["session", "key"])
@pytest.mark.parametrize("place", PLACES)
def test_a_strangers_answers_are_those_of_what_does_not_exist(wsgi, runtime, tenant, place, by):
    other = make_tenant(runtime)
    browser = Browser(wsgi, runtime, other.user_id)
    headers = {"Authorization": f"Bearer {other.key}"} if by == "key" else {}
    conditions = ({}, {"If-None-Match": "*"}, {"If-Match": '"x"'}, {"Cache-Control": "no-cache"})
    for method in METHODS:
        for condition in conditions:
            sent = headers | condition
            theirs = browser.api(method, f"/w/{tenant.slug}{place}", {}, headers=sent)
            nobody = browser.api(method, f"/w/nobody-has-this{place}", {}, headers=sent)
            assert theirs.status_int == 404, f"{method} {place}"
            assert plain(theirs) == plain(nobody)


def test_a_strangers_pages_are_those_of_what_does_not_exist(wsgi, runtime, tenant):
    browser = Browser(wsgi, runtime, make_tenant(runtime).user_id)
    for place in PLACES:
        theirs, nobody = browser.get(f"/w/{tenant.slug}{place}"), browser.get(f"/w/nobody-has-this{place}")
        assert theirs.status_int == nobody.status_int == 404
        assert without_nonce(theirs.text) == without_nonce(nobody.text)


def without_nonce(text):
    import re

    return re.sub(r'(nonce|content|value)="[^"]*"', "", text)


def test_the_system_workspace_is_nobodys(wsgi, runtime):
    browser = Browser(wsgi, runtime, make_user(runtime)[0])
    assert browser.api("GET", "/w/system").status_int == 404


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("viewer", {"read"}),
        ("editor", {"read"}),
        ("admin", {"read", "settings", "members", "keys", "audit"}),
        ("owner", {"read", "settings", "members", "keys", "audit"}),
    ],
)
def test_roles(wsgi, runtime, tenant, role, allowed):
    browser = Browser(wsgi, runtime, member(runtime, tenant, role))
    at = f"/w/{tenant.slug}"
    tried = {
        "read": browser.api("GET", f"{at}/members"),
        "settings": browser.api("PATCH", f"{at}/settings", {"name": "N"}),
        "members": browser.api("POST", f"{at}/members", {"email": make_user(runtime)[1], "role": "viewer"}),
        "keys": browser.api("GET", f"{at}/api-keys"),
        "audit": browser.api("GET", f"{at}/audit"),
    }
    for what, response in tried.items():
        assert (response.status_int < 300) == (what in allowed), what
        if what not in allowed:
            assert response.status_int == 403
            assert response.json["code"] == "FORBIDDEN"


def test_rights_are_read_fresh(wsgi, runtime, tenant):
    user_id = member(runtime, tenant, "admin")
    browser = Browser(wsgi, runtime, user_id)
    assert browser.api("GET", f"/w/{tenant.slug}/audit").status_int == 200
    with runtime.unit("web") as services:
        services.session.get(Member, (tenant.id, user_id)).role = "viewer"
    assert browser.api("GET", f"/w/{tenant.slug}/audit").status_int == 403
    with runtime.unit("web") as services:
        services.session.delete(services.session.get(Member, (tenant.id, user_id)))
    assert browser.api("GET", f"/w/{tenant.slug}").status_int == 404


def test_a_reader_key_only_reads(wsgi, runtime, tenant):
    reader = Client(wsgi, tenant.slug, make_key(runtime, tenant.id, tenant.user_id, "read"))
    reader.get("")
    reader.get("members")
    reader.patch("settings", {"name": "N"}, status=403)
    reader.get("api-keys", status=403)


def test_no_key_decides_about_people_keys_or_the_workspace(api, tenant):
    api.post("members", {"email": "a@b.example", "role": "viewer"}, status=403)
    api.post("api-keys", {"name": "k", "scopes": ["read"]}, status=403)
    api.patch("settings", {"name": "N"}, status=403)
    api.post("/w", {"name": "Another"}, status=403)
    api.patch("/me", {"name": "N"}, status=403)
    api.get("/me/sessions", status=403)
    assert api.data("/me")["signed_in_by"] == "api_key"


def test_a_key_is_of_one_workspace(wsgi, runtime, tenant):
    with runtime.unit("web") as services:
        second = services(Workspaces).create("Second", tenant.user_id)
    client = Client(wsgi, second.slug, tenant.key)
    client.get("", status=404)
    assert [each["slug"] for each in client.data("/w")] == [tenant.slug]
    assert len(Browser(wsgi, runtime, tenant.user_id).api("GET", "/w").json["data"]) == 2


def test_a_key_never_exceeds_its_person(wsgi, runtime, tenant):
    user_id = member(runtime, tenant, "admin")
    client = Client(wsgi, tenant.slug, make_key(runtime, tenant.id, user_id))
    client.get("audit", status=403)  # takes a session
    client.get("members")
    with runtime.unit("web") as services:
        services.session.delete(services.session.get(Member, (tenant.id, user_id)))
    client.get("members", status=404)


def test_with_an_authorization_header_cookies_do_not_exist(wsgi, runtime, tenant):
    browser = Browser(wsgi, runtime, tenant.user_id)
    for value in ("Bearer nonsense", "Basic YTpi", "Bearer al_aaaaaaaa_" + "a" * 40, "", "Bearer"):
        assert browser.api("GET", "/me", headers={"Authorization": value}).status_int == 401
    assert browser.api("GET", "/me").status_int == 200


def test_methods_that_are_not_there(api, tenant):
    refused = api.call("PUT", "members", {}, status=405)
    assert refused.headers["Allow"]
    api.get("nonsense", status=404)
    api.get("members/not-an-id", status=404)
    api.get(f"members/{RANDOM_ID}", status=404)
    api.get("members/" + RANDOM_ID.upper(), status=404)


def test_the_other_prefix_is_no_door(wsgi, tenant):
    client = Client(wsgi, tenant.slug, tenant.key)
    for path in (f"/api/v10/w/{tenant.slug}", f"/api/v1w/{tenant.slug}", f"/api/v2/w/{tenant.slug}"):
        response = client.app.get(path, headers={"Authorization": f"Bearer {tenant.key}"}, expect_errors=True)
        assert response.status_int == 404
