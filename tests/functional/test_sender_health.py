"""A sender whose mail does harm is paused, once, with a reason; and goes on when a person says so."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from autoloop.base.events import Event, emit
from autoloop.base.runtime import Runtime
from autoloop.engine.explain.telling import translated
from autoloop.mail.governor.mishaps import note
from autoloop.mail.services.explaining import explain_email
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld, drain


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


@pytest.fixture
def owner(wsgi: object, runtime: Runtime, tenant: Tenant) -> Browser:
    return Browser(wsgi, runtime, tenant.user_id)


def sent(world: MailWorld, count: int, *, days_ago: float = 0, **more: Any) -> list[UUID]:
    """So many mails that have left."""
    ids = world.intend(count, **more)
    world.sql(
        """update email_logs set status = 'accepted', sent_at = now() - make_interval(secs => 86400 * :days)
        where workspace_id = :w and id = any(:ids)""",
        ids=ids,
        days=days_ago,
    )
    return ids


def told(world: MailWorld, emails: list[UUID], name: str = "bounced", **data: Any) -> None:
    """The vendor tells each of it twice, under two ids, and the first one a third time."""
    with world.runtime.unit("web", world.tenant.id) as services:
        events = [
            Event(
                world.tenant.id,
                f"email.{name}",
                None,
                {"email_id": str(email), **data},
                source="provider:x",
                source_id=f"{name}:{email}:{time}",
            )
            for email in emails
            for time in (1, 2, 1)
        ]
        emit(services, events)
    kinds = world.runtime.registrations.due_kinds
    while kinds["route"].work(world.runtime):
        pass
    # The next look at a sender comes some seconds after the last.
    world.sql(
        "update senders set health_due_at = now() where workspace_id = :w and health_due_at is not null"
    )
    while kinds["sender_health"].work(world.runtime):
        pass


def status(world: MailWorld) -> Any:
    """The sender's status, and the threshold that it reached."""
    ((status, because),) = world.sql(
        "select status, paused_because ->> 'kind' from senders where workspace_id = :w"
    )
    return status, because


@pytest.mark.parametrize(
    ("mails", "bad", "name", "data", "paused"),
    [
        (400, 1, "complained", {}, "complaints"),
        (401, 1, "complained", {}, None),
        (100, 5, "bounced", {"type": "hard"}, "bounces"),
        (101, 5, "bounced", {}, None),
        (99, 50, "bounced", {}, None),
        (100, 50, "bounced", {"type": "soft"}, None),
        (100, 50, "bounced", {"type": "rejected"}, None),
        (100, 50, "unsubscribed", {}, None),
    ],
)
def test_the_thresholds_are_met_exactly_and_each_mail_counts_once(
    world: MailWorld, mails: int, bad: int, name: str, data: dict[str, Any], paused: str | None
) -> None:
    sent(world, 30, days_ago=8)
    sent(world, 3, kind="test")
    told(world, sent(world, mails)[:bad], name, **data)
    assert status(world) == ("paused" if paused else "active", paused)


def test_a_paused_sender_says_why_its_mail_waits_and_a_person_lets_it_go_on(
    world: MailWorld, tenant: Tenant, owner: Browser, api: Client
) -> None:
    (waiting,) = world.intend(to_address="later@example.org")
    bounced = sent(world, 100)
    told(world, bounced[:5])
    why = "5 % of its mails of 7 days came back for good (5 of 100)"
    world.make_due()
    drain(world.runtime)
    row = world.rows(waiting)[0]
    assert (row.status, row.hold_reason, row.reason) == ("intent", "sender_paused", why)
    assert f"the sender is paused; {why}" in translated(explain_email(row)["sentence"])
    assert why in owner.get(f"/w/{tenant.slug}/emails/{waiting}").text
    notices = api.data("notifications")
    assert [each["title"] for each in notices] == [f"The sender ada@{tenant.slug}.example was paused"]
    assert notices[0]["body"].startswith(why)
    mailed = world.sql(
        "select count(*) from email_logs where kind = 'system' and to_address = :to", to=tenant.email
    )
    assert mailed == [(1,)]

    page = owner.get(f"/w/{tenant.slug}/senders/{world.sender_id}")
    assert why in page.text
    assert page.forms["resume"].submit().status_int == 303
    assert status(world) == ("active", None)
    world.make_due()
    drain(world.runtime)
    assert world.rows(waiting)[0].status == "accepted"
    audit = owner.api("GET", f"/w/{tenant.slug}/audit").json["data"]
    ours = [(each["action"], each["user_id"] is None) for each in audit if each["subject"].startswith("ada@")]
    assert ours == [("sender.changed", False), ("sender.resumed", False), ("sender.paused", True)]

    told(world, bounced[5:50])
    assert status(world) == ("active", None), "what it sent before counts no more, whenever it is told"
    told(world, sent(world, 99)[:5])  # with the one that waited
    assert status(world) == ("paused", "bounces"), "its counting began anew"
    assert len(api.data("notifications")) == 2


def test_many_who_look_at_once_pause_it_once(world: MailWorld, api: Client) -> None:
    emails = sent(world, 100)
    with world.runtime.unit("worker") as services:
        note(services, [(world.tenant.id, email, "bounce") for email in emails[:20]])
    work = world.runtime.registrations.due_kinds["sender_health"].work
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: work(world.runtime), range(8)))
    assert status(world) == ("paused", "bounces")
    assert len(api.data("notifications")) == 1


def test_a_workspace_sets_its_own_thresholds_or_none(
    world: MailWorld, tenant: Tenant, owner: Browser, api: Client
) -> None:
    settings = f"/w/{tenant.slug}/settings"
    assert owner.api("PATCH", settings, {"sender_health": None}).status_int == 200
    first = sent(world, 20)
    told(world, first)
    assert status(world) == ("active", None)
    health = {"bounces": 50, "least": 30, "days": 2}
    assert owner.api("PATCH", settings, {"sender_health": health}).status_int == 200
    emails = sent(world, 21)
    told(world, emails[:1])
    figures = api.data(f"senders/{world.sender_id}/health")
    assert (figures["sent"], figures["bounces"], figures["limits"]["bounces"]) == (41, 21, 50)
    assert status(world) == ("paused", "bounces")
