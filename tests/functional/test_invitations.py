"""Invitations: people come in by a link, with an account or without, and only those who were asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from autoloop.accounts import passwords
from autoloop.workspaces.invitations import services as invitations
from tests.factories import make_key, make_tenant, make_user
from tests.functional.browser import Browser

PASSWORD = "a fox on the roof"


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr(passwords, "ROUNDS", 4)


@pytest.fixture
def tries(wsgi, runtime, monkeypatch):
    """Let so many of these be tried a minute."""

    def let(allowed):
        settings = replace(runtime.settings, sign_in_limit_per_minute=allowed)
        monkeypatch.setattr(wsgi.registry.runtime, "settings", settings)

    return let


@pytest.fixture
def owner(wsgi, runtime, tenant, tries):
    tries(10_000)
    return Browser(wsgi, runtime, tenant.user_id)


@pytest.fixture
def at(tenant):
    return f"/w/{tenant.slug}/invitations"


def invite(owner, at, email, role="editor"):
    made = owner.api("POST", at, {"email": email, "role": role})
    assert made.status_int == 201, made.text
    return made.json["data"]


def path(link):
    return link.removeprefix("http://localhost")


def token(link):
    return link.partition("=")[2]


def test_who_has_no_account_makes_one_and_is_in(wsgi, runtime, tenant, owner, at):
    made = invite(owner, at, "Grace@New.Example")
    assert (made["email"], made["role"]) == ("grace@new.example", "editor")
    browser = Browser(wsgi, runtime)
    shown = browser.get(path(made["link"]))
    assert "Test Person invites grace@new.example" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    assert owner.api("GET", at).json["data"][0]["id"] == made["id"], "looking changes nothing"
    form = shown.forms["join"]
    form["name"], form["password"] = "Grace", "short"
    again = form.submit(expect_errors=True)
    assert (again.status_int, again.forms["join"]["name"].value) == (422, "Grace")
    assert owner.api("GET", at).json["page"]["total"] == 1
    form = again.forms["join"]
    form["password"] = PASSWORD
    assert form.submit().location == f"http://localhost/w/{tenant.slug}"
    assert browser.api("GET", "/me").json["data"]["email"] == "grace@new.example"
    assert browser.api("GET", f"/w/{tenant.slug}").json["data"]["role"] == "editor"
    assert owner.api("GET", at).json["data"] == []
    used = Browser(wsgi, runtime).get(path(made["link"]))
    assert (used.status_int, "was used already" in used.text) == (410, True)
    twice = Browser(wsgi, runtime).post("/auth/join", token=token(made["link"]), name="E", password=PASSWORD)
    assert twice.status_int == 410
    actions = {each["action"] for each in owner.api("GET", f"/w/{tenant.slug}/audit").json["data"]}
    assert {"invitation.sent", "invitation.accepted"} <= actions


def mails(runtime, address):
    query = text("select kind, content from email_logs where to_address = :address")
    with runtime.unit("worker") as services:
        return services.session.execute(query, {"address": address}).all()


@pytest.fixture
def way_out(wsgi, monkeypatch):
    """System mail leaves through a server."""
    held = wsgi.registry.runtime
    monkeypatch.setattr(held, "settings", replace(held.settings, system_mail="smtp://localhost"))


def test_without_a_way_out_the_link_is_only_shown(runtime, tenant, owner, at):
    assert not invite(owner, at, "silent@new.example")["mailed"]
    assert mails(runtime, "silent@new.example") == []
    shown = owner.post(f"/w/{tenant.slug}/invitations", email="page@new.example", role="viewer")
    assert "It is not mailed" in shown.text


def test_the_link_is_mailed_and_kept_only_as_a_hash(runtime, tenant, owner, at, way_out):
    made = invite(owner, at, "mail@new.example")
    link = made["link"]
    assert made["mailed"]
    (sent,) = mails(runtime, "mail@new.example")
    assert sent.kind == "system"
    assert link in sent.content["text"]
    with runtime.unit("web", tenant.id) as services:
        rows = services.session.execute(text("select i::text from invitations i")).scalars().all()
    assert len(rows) == 1
    assert token(link) not in rows[0]
    assert link not in owner.api("GET", at).text
    assert link not in owner.get(f"/w/{tenant.slug}/members").text


def test_who_has_an_account_signs_in_and_joins_by_a_button(wsgi, runtime, tenant, owner, at):
    user_id, email = make_user(runtime)
    link = invite(owner, at, email, "admin")["link"]
    stranger = Browser(wsgi, runtime)
    shown = stranger.get(path(link))
    assert "join" not in shown.forms
    assert shown.click("Sign in", href="next=").forms["sign-in-password"]["next"].value == path(link)
    refused = stranger.post("/auth/join", token=token(link), name="Eve", password=PASSWORD)
    assert refused.status_int == 409, "a link is no way into somebody's account"
    other = Browser(wsgi, runtime, make_user(runtime)[0])
    assert "is for another address" in other.get(path(link)).text
    assert other.post("/auth/join", token=token(link)).status_int == 409
    theirs = Browser(wsgi, runtime, user_id)
    button = theirs.get(path(link)).forms[0]
    assert theirs.api("GET", f"/w/{tenant.slug}").status_int == 404
    assert button.submit().location == f"http://localhost/w/{tenant.slug}"
    assert theirs.api("GET", f"/w/{tenant.slug}").json["data"]["role"] == "admin"
    assert owner.api("POST", at, {"email": email, "role": "viewer"}).json["code"] == "IS_MEMBER"


def test_links_that_do_not_work_say_why(wsgi, runtime, tenant, owner, at, monkeypatch):
    browser = Browser(wsgi, runtime)
    made = invite(owner, at, "late@new.example")
    with monkeypatch.context() as time:
        time.setattr(invitations, "VALID", timedelta(seconds=-1))
        old = owner.api("POST", f"{at}/{made['id']}/send-again").json["data"]
    assert old["expired"]
    assert "older than seven days" in browser.get(path(old["link"])).text
    assert browser.post("/auth/join", token=token(old["link"]), name="L", password=PASSWORD).status_int == 410
    assert browser.get(path(made["link"])).status_int == 404, "a newer link took its place"
    fresh = owner.api("POST", f"{at}/{made['id']}/send-again").json["data"]
    assert "join" in browser.get(path(fresh["link"])).forms
    assert owner.api("DELETE", f"{at}/{made['id']}").status_int == 204
    assert owner.api("DELETE", f"{at}/{made['id']}").status_int == 404
    revoked = browser.get(path(fresh["link"]))
    assert (revoked.status_int, "taken back" in revoked.text) == (410, True)
    assert invite(owner, at, "late@new.example")["id"] != made["id"], "the address is free again"


@pytest.mark.parametrize("odd", ["", "x", "0" * 32, "f" * 200, "%00", "%F0%9F%A6%8A", "%C3%A9" * 40])
def test_odd_links(wsgi, runtime, tries, odd):
    tries(10_000)
    browser = Browser(wsgi, runtime)
    unknown = browser.get(f"/auth/join?token={odd}")
    assert (unknown.status_int, "not known" in unknown.text) == (404, True)
    assert browser.post("/auth/join", token=odd, name="N", password=PASSWORD).status_int == 404
    assert browser.app.post("/auth/join", {"token": odd}, expect_errors=True).status_int in (400, 403)


def test_rights_and_bounds(wsgi, runtime, tenant, owner, at):
    people = {}
    for role in ("viewer", "editor", "admin"):
        user_id, email = make_user(runtime)
        owner.api("POST", f"/w/{tenant.slug}/members", {"email": email, "role": role})
        people[role] = Browser(wsgi, runtime, user_id)
    for role in ("viewer", "editor"):
        assert people[role].api("GET", at).status_int == 403
        assert people[role].api("POST", at, {"email": "a@b.example", "role": "viewer"}).status_int == 403
    boss = invite(owner, at, "boss@new.example", "owner")
    admin = people["admin"]
    for tried in (
        admin.api("POST", at, {"email": "c@new.example", "role": "owner"}),
        admin.api("POST", f"{at}/{boss['id']}/send-again"),
        admin.api("DELETE", f"{at}/{boss['id']}"),
    ):
        assert tried.status_int == 403
    bearer = {"Authorization": f"Bearer {make_key(runtime, tenant.id, tenant.user_id)}"}
    assert (
        owner.api("POST", at, {"email": "k@new.example", "role": "viewer"}, headers=bearer).status_int == 403
    )
    for wrong in ({"email": "no address", "role": "viewer"}, {"email": "a@b.example", "role": "emperor"}, {}):
        assert owner.api("POST", at, wrong).status_int == 400
    assert owner.api("POST", at, {"email": "boss@new.example", "role": "viewer"}).json["code"] == "IS_INVITED"
    for n in range(99):
        invite(owner, at, f"p{n}@new.example", "viewer")
    full = owner.api("POST", at, {"email": "more@new.example", "role": "viewer"})
    assert (full.status_int, full.json["code"]) == (409, "TOO_MANY_INVITATIONS")


def test_other_workspaces_see_none(wsgi, runtime, tenant, owner, at):
    made = invite(owner, at, "mine@new.example")
    other = make_tenant(runtime)
    theirs = Browser(wsgi, runtime, other.user_id)
    assert theirs.api("GET", f"/w/{other.slug}/invitations").json["data"] == []
    assert theirs.api("DELETE", f"/w/{other.slug}/invitations/{made['id']}").status_int == 404
    count = text("select count(*) from invitations")
    for workspace, seen in ((None, 0), (other.id, 0), (tenant.id, 1)):
        with runtime.unit("web", workspace) as services:
            assert services.session.execute(count).scalar() == seen
    moved = other.id.hex + token(made["link"])[32:]
    assert Browser(wsgi, runtime).get(f"/auth/join?token={moved}").status_int == 404


def test_invited_from_the_page_of_members(tenant, owner):
    form = owner.get(f"/w/{tenant.slug}/members").forms["invite"]
    form["email"], form["role"] = "page@new.example", "viewer"
    shown = form.submit()
    assert "/auth/join?token=" in shown.text
    assert "page@new.example" in shown.text
    refused = owner.post(f"/w/{tenant.slug}/invitations", email="page@new.example", role="viewer")
    assert (refused.status_int, "invited already" in refused.text) == (409, True)
    forms = owner.get(f"/w/{tenant.slug}/members").forms.values()
    assert "/auth/join?token=" in next(f for f in forms if f.action.endswith("send-again")).submit().text
    gone = next(f for f in forms if f.action.endswith("revoke")).submit().follow()
    assert "page@new.example" not in gone.text
    assert owner.get(f"/w/{tenant.slug}/invitations").status_int == 303


def test_tries_are_limited(owner, at, tries):
    tries(2)
    owner.app.extra_environ["REMOTE_ADDR"] = "203.0.113.9"
    answers = [
        owner.api("POST", at, {"email": f"{n}@new.example", "role": "viewer"}).status_int for n in range(3)
    ]
    assert answers == [201, 201, 429]
    looks = [owner.get("/auth/join?token=x") for _ in range(3)]
    assert [each.status_int for each in looks] == [404, 404, 429]
    assert looks[-1].headers["Retry-After"]
