"""A company's share: at most so many marketing mails to the people of one business in so many days."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.businesses.models import Business
from autoloop.embedded.smtp_sink import Sink
from autoloop.engine.explain.telling import translated
from autoloop.mail.services.explaining import explain_email
from autoloop.settings import Settings
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld, all_at_once, drain


@pytest.fixture
def owner(wsgi: object, runtime: Runtime, tenant: Tenant) -> Browser:
    return Browser(wsgi, runtime, tenant.user_id)


def allow(owner: Browser, tenant: Tenant, limits: dict[str, Any]) -> None:
    assert owner.api("PATCH", f"/w/{tenant.slug}/settings", limits).status_int == 200


def business(world: MailWorld, name: str) -> UUID:
    id = new_id()
    with world.runtime.unit("web", world.tenant.id) as services:
        services.session.add(Business(workspace_id=world.tenant.id, id=id, name=name))
    return id


def campaign(world: MailWorld, company: UUID, count: int, **more: Any) -> list[UUID]:
    """A marketing mail to each of so many people of a company."""
    people = [world.contact(f"{new_id().hex}@example.org", business_id=company) for _ in range(count)]
    given = {"kind": "marketing", "business_id": company, "to_address": "{n}-" + company.hex + "@example.org"}
    return [id for person in people for id in world.intend(contact_id=person, **given | more)]


def held(world: MailWorld) -> list[Any]:
    rows = [row for row in world.rows() if row.status == "intent"]
    return [(row.hold_reason, row.reason, row.due_at) for row in rows]


def test_a_company_gets_its_share_exactly_under_fifty_parallel_senders(
    runtime: Runtime, settings: Settings, tenant: Tenant, owner: Browser, sink: Sink
) -> None:
    allow(owner, tenant, {"company_cap": {"count": 2, "days": 7}})
    world = MailWorld(runtime, tenant, sink.port)
    acme, other = business(world, "Acme"), business(world, "Other")
    campaign(world, acme, 50)
    campaign(world, other, 5)
    invoices = campaign(world, acme, 3, kind="transactional")
    # Each takes one mail in hand, so that fifty of them decide at the same time.
    wide = replace(settings, worker_batch=1, database_pool_size=15, database_pool_overflow=0)
    crowd = Runtime(wide, runtime.registrations)
    all_at_once(crowd)
    crowd.dispose()
    sent = Counter((row.business_id, row.kind) for row in world.rows() if row.status == "accepted")
    assert sent == {(acme, "marketing"): 2, (other, "marketing"): 2, (acme, "transactional"): len(invoices)}
    assert len(sink.mails) == 7

    world.make_due()
    drain(runtime)
    assert len(sink.mails) == 7
    waiting = held(world)
    first = min(row.sent_at for row in world.rows() if row.sent_at and row.kind == "marketing")
    assert Counter(reason for reason, _, _ in waiting) == {"company_cap": 51}
    assert {text for _, text, _ in waiting} == {"2 in 7 days is the most for one company"}
    assert all(due >= first + timedelta(days=7) for *_, due in waiting), "put off to when the window frees"
    assert max(due for *_, due in waiting) < datetime.now(UTC) + timedelta(days=7, minutes=1)


def test_mail_counts_for_the_company_that_its_person_belongs_to_now(
    runtime: Runtime, tenant: Tenant, owner: Browser
) -> None:
    allow(owner, tenant, {"company_cap": {"count": 1, "days": 7}})
    world = MailWorld(runtime, tenant)
    acme, other = business(world, "Acme"), business(world, "Other")

    def mail(person: UUID, noted: UUID | None) -> UUID:
        given = {"kind": "marketing", "business_id": noted, "to_address": f"{person.hex}@example.org"}
        (id,) = world.intend(contact_id=person, **given)
        drain(runtime)
        return id

    def move(person: UUID, company: UUID | None) -> None:
        world.sql(
            "update business_contacts set business_id = :to where workspace_id = :w and id = :id",
            to=company,
            id=person,
        )

    def fate(id: UUID) -> Any:
        row = world.rows(id)[0]
        return row.hold_reason or row.status

    ada, eve, bob = (world.contact(f"{name}@example.org") for name in ("ada", "eve", "bob"))
    assert fate(mail(ada, None)) == "accepted", "nobody's share"
    move(ada, acme)
    move(eve, acme)
    assert fate(mail(eve, acme)) == "company_cap", "what Ada got before her company was known counts"
    assert fate(mail(eve, None)) == "company_cap", "so it does where the intent was made before"
    move(ada, other)
    move(bob, other)
    assert fate(mail(bob, other)) == "company_cap", "Ada took her mail along"
    assert fate(mail(bob, acme)) == "company_cap", "whatever company was noted for Bob"
    world.make_due()
    drain(runtime)
    assert Counter(fate(row.id) for row in world.rows()) == {"accepted": 2, "company_cap": 3}, (
        "Eve's first one left"
    )
    world.sql("delete from business_contacts where workspace_id = :w and id = :id", id=eve)
    zoe = world.contact("zoe@example.org", business_id=acme)
    assert fate(mail(zoe, acme)) == "company_cap", "mail to who is gone stays with Acme"


def test_the_share_frees_with_time_and_with_mail_that_was_not_accepted(
    runtime: Runtime, tenant: Tenant, owner: Browser
) -> None:
    allow(owner, tenant, {"company_cap": {"count": 1, "days": 3}})
    world = MailWorld(runtime, tenant)
    acme = business(world, "Acme")
    (first,) = campaign(world, acme, 1)
    drain(runtime)
    (second,) = campaign(world, acme, 1)
    drain(runtime)
    row = world.rows(second)[0]
    assert (row.status, row.hold_reason) == ("intent", "company_cap")
    told = translated(explain_email(row)["sentence"])
    assert "its company has had as many emails as the workspace allows" in told
    world.sql(
        "update email_logs set sent_at = sent_at - interval '3 days' where workspace_id = :w and id = :id",
        id=first,
    )
    world.make_due()
    drain(runtime)
    assert world.rows(second)[0].status == "accepted"
    world.sql(
        "update email_logs set status = 'rejected', sent_at = null where workspace_id = :w and id = :id",
        id=second,
    )
    (third,) = campaign(world, acme, 1)
    drain(runtime)
    assert world.rows(third)[0].status == "accepted", "what was refused takes no place"


def test_mail_over_the_share_is_skipped_where_the_setting_says_so(
    runtime: Runtime, tenant: Tenant, owner: Browser
) -> None:
    allow(owner, tenant, {"company_cap": {"count": 2, "days": 7, "over": "skip"}})
    world = MailWorld(runtime, tenant)
    campaign(world, business(world, "Acme"), 4)
    drain(runtime)
    world.make_due()
    drain(runtime)
    rows = world.rows()
    assert Counter(row.status for row in rows) == {"accepted": 2, "skipped": 2}
    assert {row.reason for row in rows if row.status == "skipped"} == {
        "Its company had its share of emails: 2 in 7 days is the most for one company"
    }


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"company_cap": {"count": 0}}, "company_cap.count"),
        ({"company_cap": {"count": 2, "days": 1000}}, "company_cap.days"),
        ({"company_cap": {"count": 2, "over": "burn"}}, "company_cap.over"),
        ({"company_cap": {"count": 2, "weeks": 1}}, "company_cap.weeks"),
        ({"company_cap": 2}, "company_cap"),
        ({"sender_health": {"complaints": 0}}, "sender_health.complaints"),
        ({"sender_health": {"bounces": "NaN"}}, "sender_health.bounces"),
        ({"sender_health": {"least": 10**30}}, "sender_health.least"),
    ],
)
def test_limits_that_mean_nothing_are_refused(
    owner: Browser, tenant: Tenant, given: dict[str, Any], field: str
) -> None:
    refused = owner.api("PATCH", f"/w/{tenant.slug}/settings", given)
    assert refused.status_int == 400
    assert field in refused.json["details"]


def test_a_person_sets_and_lifts_the_limits_on_the_page(owner: Browser, tenant: Tenant, api: Client) -> None:
    page = f"/w/{tenant.slug}/settings"
    assert api.data("settings")["company_cap"] is None
    assert api.data("settings")["sender_health"] == {
        "complaints": 0.25,
        "bounces": 5,
        "least": 100,
        "days": 7,
    }
    form = owner.get(page).forms["settings"]
    form["company_count"], form["company_over"], form["health_bounces"] = "3", "skip", "2.5"
    assert form.submit().status_int == 303
    assert api.data("settings")["company_cap"] == {"count": 3, "days": 7, "over": "skip"}
    assert api.data("settings")["sender_health"]["bounces"] == 2.5
    form = owner.get(page).forms["settings"]
    assert (form["company_count"].value, form["health_bounces"].value) == ("3", "2.5")
    form["company_days"] = "999"
    refused = form.submit(expect_errors=True)
    assert refused.status_int == 422
    assert refused.forms["settings"]["company_count"].value == "3"
    form["company_count"], form["company_days"], form["health_complaints"] = "", "7", ""
    assert form.submit().status_int == 303
    assert (api.data("settings")["company_cap"], api.data("settings")["sender_health"]) == (None, None)
