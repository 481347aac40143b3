"""Notifications: from a step to the members it names, in the dashboard and by mail, each once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from autoloop.workspaces.models import Member
from autoloop.workspaces.notifications.telling import MAILS_AN_HOUR
from tests.factories import Client, Tenant, make_tenant, make_user
from tests.functional.browser import Browser
from tests.functional.engine_world import World
from tests.unit.engine.graphs import graph


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> World:
    return World(runtime, tenant.id)


def join(runtime: Runtime, tenant: Tenant, role: str) -> UUID:
    user, _ = make_user(runtime)
    with runtime.unit("web") as services:
        services.session.add(Member(workspace_id=tenant.id, user_id=user, role=role))
    return user


def tell(world: World, contacts: int = 1, **config: Any) -> None:
    steps = graph(("n", "notify", {"subject": "{{ contact.first_name }} wrote", "body": "Look!"} | config))
    world.enrol(world.workflow(steps), world.contacts(contacts, first_name="Ada"))
    world.settle()


def mails(runtime: Runtime, user: UUID) -> list[Any]:
    with runtime.unit("worker") as services:
        sql = """select l.content from email_logs l join users u on u.email = l.to_address
            where u.id = :user and l.send_key like 'system:notification:%'"""
        return list(services.session.execute(text(sql), {"user": user}).scalars())


def test_a_step_tells_those_with_the_role(
    world: World, runtime: Runtime, tenant: Tenant, wsgi: object
) -> None:
    admin, viewer = join(runtime, tenant, "admin"), join(runtime, tenant, "viewer")
    tell(world, role="admin", mail=True)
    assert world.count("notifications") == 2
    (mail,) = mails(runtime, admin)
    assert mail["subject"] == "Ada wrote" and mail["text"].startswith("Look!")
    assert f"/w/{tenant.slug}/contacts/" in mail["text"]
    assert mails(runtime, viewer) == []
    told, other = Browser(wsgi, runtime, admin), Browser(wsgi, runtime, viewer)
    at = f"/w/{tenant.slug}/notifications"
    (row,) = told.api("GET", at).json["data"]
    assert (row["title"], row["body"], row["read_at"]) == ("Ada wrote", "Look!", None)
    assert other.api("GET", at).json["data"] == []
    assert other.api("GET", f"{at}/{row['id']}").status_int == 404
    assert "Notifications, 1 new" in told.get(f"/w/{tenant.slug}").text
    assert "Notifications, " not in other.get(f"/w/{tenant.slug}").text
    assert other.api("POST", f"{at}/mark-read", {"ids": [row["id"]]}).json["data"] == {"marked": 0}
    assert told.api("POST", f"{at}/mark-read", {"ids": [row["id"]]}).json["data"] == {"marked": 1}
    assert told.api("GET", f"{at}?unread=true").json["data"] == []
    assert "Notifications, " not in told.get(f"/w/{tenant.slug}").text


def test_chosen_members_and_a_page_that_marks(
    world: World, runtime: Runtime, tenant: Tenant, wsgi: object
) -> None:
    viewer = join(runtime, tenant, "viewer")
    stranger = make_tenant(runtime)
    tell(world, 2, members=[str(viewer), str(stranger.user_id)])
    assert world.count("notifications") == 2
    browser = Browser(wsgi, runtime, viewer)
    page = browser.get(f"/w/{tenant.slug}/notifications")
    assert page.status_int == 200 and page.text.count("Ada wrote") == 2
    assert browser.post(f"/w/{tenant.slug}/notifications/mark-read").status_int == 303
    assert world.count("notifications", "read_at is null") == 0
    assert mails(runtime, viewer) == []


def test_mail_is_a_choice_and_has_a_measure(
    world: World, runtime: Runtime, tenant: Tenant, wsgi: object
) -> None:
    viewer, quiet = join(runtime, tenant, "viewer"), join(runtime, tenant, "viewer")
    browser = Browser(wsgi, runtime, quiet)
    at = f"/w/{tenant.slug}/notifications"
    assert browser.api("GET", f"{at}/preference").json["data"] == {"mail": True}
    form = browser.get(at).forms["notification-mail"]
    form["mail"] = False
    assert form.submit().status_int == 303
    assert browser.api("GET", f"{at}/preference").json["data"] == {"mail": False}
    tell(world, MAILS_AN_HOUR + 5, members=[str(viewer), str(quiet)], mail=True)
    assert world.count("notifications") == 2 * (MAILS_AN_HOUR + 5)
    assert len(mails(runtime, viewer)) == MAILS_AN_HOUR and mails(runtime, quiet) == []
    assert browser.api("PUT", f"{at}/preference", {"mail": "maybe"}).status_int == 400
    assert browser.api("POST", f"{at}/mark-read", {"ids": ["x"]}).status_int == 400


def test_one_who_left_is_told_nothing_more(
    world: World, runtime: Runtime, tenant: Tenant, api: Client
) -> None:
    gone = join(runtime, tenant, "editor")
    tell(world)
    with runtime.unit("web", tenant.id) as services:
        services.session.delete(services.session.get_one(Member, (tenant.id, gone)))
    assert world.count("notifications") == 1
    tell(world)
    assert len(api.data("notifications")) == 2


def test_they_follow_a_merged_contact_and_go_with_an_erased_one(
    world: World, api: Client, tenant: Tenant
) -> None:
    tell(world, 2)
    keep, gone = sorted(each["contact_id"] for each in api.data("notifications"))
    api.post(f"contacts/{keep}/merge", {"other": gone})
    assert {each["contact_id"] for each in api.data("notifications")} == {keep}
    api.delete(f"contacts/{keep}")
    assert api.data("notifications") == []


def test_those_read_long_ago_are_forgotten(world: World, runtime: Runtime, tenant: Tenant) -> None:
    for days, name in ((91, "Old"), (89, "Young"), (None, "Unread")):
        tell(world, subject=name)
        read = f"now() - interval '{days} days'" if days else "null"
        with runtime.unit("worker") as services:
            values = {"workspace": tenant.id, "title": name}
            sql = f"update notifications set read_at = {read} where workspace_id = :workspace and title = :title"
            services.session.execute(text(sql), values)
    kind = runtime.registrations.due_kinds["notifications"]
    while kind.work(runtime):
        pass
    assert world.count("notifications", "title = 'Old'") == 0
    assert world.count("notifications", "title in ('Young', 'Unread')") == 2


def test_what_we_tell_is_said_in_the_readers_language(
    runtime: Runtime, tenant: Tenant, wsgi: object, api: Client
) -> None:
    from autoloop.base.i18n import _, paragraphs
    from autoloop.plugins.effects import Notify

    lea, who = join(runtime, tenant, "editor"), join(runtime, tenant, "editor")
    parts = {"what": "Post\x00 <1>", "said": "535 ${what}"}
    title = _("No mail goes through ${what} for now", mapping=parts)
    body = paragraphs(
        _("The provider account ${what} is in trouble: “${said}”.", mapping=parts), "https://x.example/"
    )
    with runtime.unit("worker", tenant.id) as services:
        sql = text("update users set locale = case id when :id then 'de' else 'en' end where id = any(:ids)")
        services.session.execute(sql, {"id": lea, "ids": [lea, who]})
        notify = services.registrations.effect_handlers["notify"]
        assert (
            notify(services, tenant.id, None, Notify(title, body, "viewer", [lea, who], mail=True), "k") == 2
        )
    english = "No mail goes through Post <1> for now"
    german = "Über Post <1> gehen vorerst keine E-Mails"
    for user, subject in ((lea, german), (who, english)):
        (mail,) = mails(runtime, user)
        assert mail["subject"] == subject and "https://x.example/\n\n" in mail["text"]
        assert ("Alle Benachrichtigungen" in mail["text"]) is (user == lea)
        at = f"/w/{tenant.slug}/notifications"
        reader = Browser(wsgi, runtime, user)
        (row,) = reader.api("GET", at).json["data"]
        assert row["title"] == subject and "“535 ${what}”" in row["body"].replace("„", "“").replace(
            "535 ${what}“", "535 ${what}”"
        )
        assert reader.api("GET", f"{at}/{row['id']}").json["data"] == row
        assert subject.replace("<1>", "&lt;1&gt;") in reader.get(at).text
