"""One's own data: given to the mailbox that it is about, and erased so that only what forbids mail is left."""

from __future__ import annotations

import json
import re
from uuid import UUID

import pytest
from sqlalchemy.exc import ProgrammingError
from webtest import TestApp

from autoloop.base.runtime import Runtime
from autoloop.businesses.services import Contacts
from autoloop.mail.links import Links
from autoloop.mail.services.happenings import on_events
from autoloop.mail.services.mailbox import WorkspaceMailbox
from autoloop.plugins.email import Message
from tests.factories import Client, Tenant
from tests.functional.mail_world import MailWorld, drain
from tests.functional.recipients import marketed, subscribed, token


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


@pytest.fixture
def app(wsgi: object) -> TestApp:
    return TestApp(wsgi, extra_environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"})


@pytest.fixture
def contact(world: MailWorld) -> UUID:
    return subscribed(world)


@pytest.fixture
def email(api: Client, world: MailWorld, contact: UUID) -> UUID:
    return marketed(api, world, contact)


def confirmation(world: MailWorld, purpose: str) -> str:
    """The link in the mail that the person got."""
    (text,) = world.sql(
        "select content ->> 'text' from email_logs where to_address = 'ada@example.org' "
        "and send_key like :like order by id desc limit 1",
        like=f"system:own_{purpose}:%",
    )[0]
    found = re.search(r"/t/\S+", text)
    assert found
    return found[0]


def test_own_data_is_given_to_the_mailbox_that_it_is_about(
    app: TestApp, world: MailWorld, email: UUID
) -> None:
    app.post(f"{token(world, email)}/export").follow()
    link = confirmation(world, "export")
    assert "Download" in app.get(link)
    answer = app.post(link)
    data = json.loads(answer.body)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert data["contact"]["email"] == "ada@example.org"
    assert data["contact"]["consent"]["source"] == "form"
    assert [mail["subject"] for mail in data["mail"]["emails"]] == ["Hello"]
    assert set(data["engine"]) == {"events", "workflows"}


def test_erasing_takes_two_steps_and_keeps_only_what_forbids_mail(
    app: TestApp, api: Client, world: MailWorld, email: UUID
) -> None:
    app.post(f"{token(world, email)}/erase").follow()
    link = confirmation(world, "erase")
    assert "This cannot be undone" in app.get(link)
    assert "Your data is erased" in app.post(link)
    app.post(link, status=404)
    app.get(f"{token(world, email)}/preferences", status=404)
    assert world.sql("select count(*) from business_contacts where workspace_id = :w") == [(0,)]
    assert world.sql("select address, reason from suppressions where workspace_id = :w") == [
        (None, "unsubscribed")
    ]
    assert "ada@example.org" not in str(
        world.sql("select to_jsonb(e) from email_logs e where workspace_id = :w")
    )
    # Somebody imports them again.
    again = api.post("contacts", {"email": "ada@example.org"}).json["data"]["id"]
    world.intend(kind="marketing", contact_id=UUID(again), to_address="ada@example.org")
    drain(world.runtime)
    assert [row.reason for row in world.rows()][-1] == "Suppressed: unsubscribed"


def captured(world: MailWorld, *, of_system: bool = False) -> str:
    """All that the mailbox of the workspace or of the installation holds."""
    rows = world.sql(
        "select recipient || ' ' || convert_from(raw, 'UTF8') from mailbox_messages m join workspaces w "
        "on w.id = m.workspace_id where w.is_system = :system and (w.is_system or w.id = :w)",
        system=of_system,
    )
    return " ".join(text for (text,) in rows)


def test_erasing_covers_captured_copies_and_mail_of_the_installation(
    app: TestApp, world: MailWorld, email: UUID, contact: UUID
) -> None:
    address = f"{contact}@people.example"
    world.sql(
        "update business_contacts set email = :a, email_normal = :a where id = :c", a=address, c=contact
    )
    other = world.intend(to_address="bob@example.org")
    app.post(f"{token(world, email)}/export")
    drain(world.runtime)
    assert address in captured(world, of_system=True)
    app.post(f"{token(world, email)}/erase")  # waits to be sent while the person is erased
    with world.runtime.unit("web", world.tenant.id) as services:
        services(Contacts).delete(services(Contacts).find(contact))
    drain(world.runtime)
    left = captured(world)
    assert address not in left + captured(world, of_system=True)
    assert "ada@example.org" not in left
    assert "bob@example.org" in left
    assert [row.to_address for row in world.rows(*other)] == ["bob@example.org"]
    assert address not in str(
        world.sql("select to_jsonb(e) from email_logs e where kind = 'system' and :w = :w")
    )


def test_a_copy_that_the_mailbox_keeps_too_late_is_not_kept(world: MailWorld, contact: UUID) -> None:
    """The message was on its way to the mailbox while the person was erased."""
    (id,) = world.intend(contact_id=contact, to_address="ada@example.org")
    world.sql("update email_logs set status = 'sending', attempts = 1 where id = :id", id=id)
    with world.runtime.unit("web", world.tenant.id) as services:
        services(Contacts).delete(services(Contacts).find(contact))
    late = Message(str(id), "<x@example.org>", "a@example.org", "ada@example.org", b"Subject: Hi\r\n\r\nHi")
    WorkspaceMailbox(world.runtime, world.tenant.id).store([late])
    assert captured(world) == ""


def test_nothing_that_a_server_said_names_the_person_any_more(world: MailWorld, contact: UUID) -> None:
    said = "550 5.1.1 <Ada@example.org>: nobody of this name"
    (email,) = world.intend(contact_id=contact, to_address="ada@example.org")
    drain(world.runtime)
    world.sql("update email_attempts set reply = :said where workspace_id = :w", said=said)
    event = {"id": email, "workspace_id": world.tenant.id, "name": "email.bounced", "contact_id": contact}
    with world.runtime.unit("worker") as services:
        on_events(services, [event | {"data": {"email_id": str(email), "detail": said}}])
    (row,) = world.rows()
    assert (row.status, row.reason) == ("bounced", said)
    with world.runtime.unit("web", world.tenant.id) as services:
        services(Contacts).delete(services(Contacts).find(contact))
    (row,) = world.rows()
    assert (row.status, row.reason) == ("bounced", None)
    assert world.sql("select reply from email_attempts where workspace_id = :w") == [(None,)]
    kept = world.sql("select address, reason, note from suppressions where workspace_id = :w")
    assert kept == [(None, "bounced", "erased")]


@pytest.mark.parametrize("back", [True, False])
def test_an_email_on_its_way_is_erased_too_and_never_tried_again(
    world: MailWorld, contact: UUID, back: bool
) -> None:
    (id,) = world.intend(contact_id=contact, to_address="ada@example.org")
    world.sql("update email_logs set status = 'sending', attempts = 1 where id = :id", id=id)
    with world.runtime.unit("web", world.tenant.id) as services:
        services(Contacts).delete(services(Contacts).find(contact))
    assert "ada@" not in str(world.sql("select to_jsonb(e) from email_logs e where id = :id", id=id))
    if back:
        world.sql("update email_logs set status = 'intent', due_at = now() where id = :id", id=id)
    drain(world.runtime)
    assert [row.status for row in world.rows(id)] == ["cancelled" if back else "sending"]


def test_a_confirmation_ends(app: TestApp, world: MailWorld, email: UUID) -> None:
    links = Links("", world.runtime.settings.secret_keys)
    link = links.confirm("erase", world.tenant.id, email, 1)
    assert "This link has expired" in app.get(link)
    app.post(link, status=400)
    assert world.sql("select count(*) from business_contacts where workspace_id = :w") == [(1,)]


def history(world: MailWorld) -> list[tuple[object, ...]]:
    """What was noted, the oldest first: (what, subject, after, source, is an IP hash kept?)."""
    rows = world.sql(
        """select what, subject, after, source, ip_hash is not null from consent_changes
        where workspace_id = :w order by id"""
    )
    return [tuple(row) for row in rows]


def test_everything_that_is_said_is_kept_with_where_and_from_whom(
    app: TestApp, api: Client, world: MailWorld, email: UUID, contact: UUID
) -> None:
    link = token(world, email)
    assert sorted(history(world)) == [  # of one statement, so in any order
        ("marketing", "", "granted", "form", False),
        ("topic", "news", "subscribed", "", False),
    ]
    given = {"topic.tips": "true", "pace": "7", "language": "de", "pause": "true"}
    app.post(f"{link}/preferences", given)
    said = history(world)[2:]
    assert sorted(row[:3] for row in said)[:3] == [
        ("language", "", "de"),
        ("pace", "", "7"),
        ("pause", "", said[[row[0] for row in said].index("pause")][2]),
    ]
    assert {row[3:] for row in said} == {("preferences", True)}
    assert {row[1:3] for row in said if row[0] == "topic"} == {
        ("news", "unsubscribed"),
        ("tips", "subscribed"),
    }
    app.post(f"{link}/preferences", given)
    assert len(history(world)) == 2 + len(said), "the same again says nothing new"
    app.post(f"{link}/leave")
    app.post(f"{link}/leave")
    assert history(world)[2 + len(said) :] == [("unsubscribe", "", "unsubscribed", "unsubscribe", True)]
    api.patch(f"contacts/{contact}", {"consent": {"marketing": "denied", "source": "phone"}})
    newest = api.data(f"contacts/{contact}/consents")[0]
    assert (newest["what"], newest["after"], newest["source"]) == ("marketing", "denied", "phone")
    assert newest["user_name"]


def test_the_history_cannot_be_changed_and_erasure_leaves_only_the_hash(
    app: TestApp, world: MailWorld, email: UUID, contact: UUID
) -> None:
    app.post(f"{token(world, email)}/preferences", {"topic.tips": "true", "pace": "7"})
    for statement in ("update consent_changes set after = 'granted'", "delete from consent_changes"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            world.sql(statement)
    app.post(token(world, email, "erase"))
    kept = world.sql(
        """select distinct what, contact_id, ip_hash, user_id from consent_changes where workspace_id = :w
        and address_hash = sha256(uuid_send(workspace_id) || convert_to('ada@example.org', 'UTF8')) order by 1"""
    )
    assert [tuple(row) for row in kept] == [("marketing", None, None, None), ("topic", None, None, None)]
    (count,) = world.sql("select count(*) from consent_changes where workspace_id = :w and what = 'pace'")[0]
    assert count == 0


def test_the_history_is_in_ones_own_data_and_follows_a_merge(
    app: TestApp, api: Client, world: MailWorld, email: UUID, contact: UUID
) -> None:
    other = world.contact("ada@home.example", consent_marketing="denied", consent_source="phone")
    api.post(f"contacts/{contact}/merge", {"other": str(other)})
    with world.runtime.unit("web", world.tenant.id) as services:
        told = services.registrations.exporters["consent_history"](services, contact)
    assert sorted((each["what"], each["after"], each["source"]) for each in told) == [
        ("marketing", "denied", "phone"),  # of the one that is gone, and what it made of the other
        ("marketing", "denied", "phone"),
        ("marketing", "granted", "form"),
        ("topic", "subscribed", ""),
    ]
