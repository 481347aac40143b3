"""The mark: what changed at the last moment counts, limits hold exactly, and everybody gets a turn."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink
from autoloop.mail.delivery import Delivery, deliver
from autoloop.mail.services.suppressions import Suppressions
from autoloop.settings import Settings
from tests.factories import Tenant, make_tenant
from tests.functional.mail_world import MailWorld, all_at_once, at, drain, statuses


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sink: Sink) -> MailWorld:
    return MailWorld(runtime, tenant, sink.port)


@pytest.mark.parametrize(
    ("change", "kind", "status", "reason"),
    [
        ("suppress", "transactional", "skipped", "Suppressed: manual"),
        ("unsubscribe", "marketing", "skipped", "Suppressed: unsubscribed"),
        ("deny", "marketing", "skipped", "No consent to marketing mail"),
        ("forget", "marketing", "skipped", "The contact is gone"),
        ("end_run", "marketing", "cancelled", "The run has ended"),
        ("pause_run", "marketing", "intent", "run_paused"),
        ("pause_workflow", "marketing", "intent", "workflow_paused"),
        ("pause_sender", "transactional", "intent", "sender_paused"),
        ("use_up_cap", "transactional", "intent", "daily_cap"),
        ("take_away", "transactional", "intent", None),
    ],
)
def test_what_changed_after_staging_is_seen_at_the_mark(
    world: MailWorld, sink: Sink, change: str, kind: str, status: str, reason: str | None
) -> None:
    contact = world.contact("ada@example.org")
    workflow, run = world.run(contact)

    def act() -> None:
        if change in ("suppress", "unsubscribe"):
            with world.runtime.unit("web", world.tenant.id) as services:
                why = "manual" if change == "suppress" else "unsubscribed"
                services(Suppressions).suppress("Ada@Example.org", why)
            return
        statement = {
            "deny": "update business_contacts set consent_marketing = 'denied' where workspace_id = :w",
            "forget": "update email_logs set contact_id = null where workspace_id = :w",
            "end_run": "update workflow_runs set status = 'stopped', ended_at = now() where workspace_id = :w",
            "pause_run": "update workflow_runs set status = 'paused' where workspace_id = :w",
            "pause_workflow": "update automation_workflows set status = 'paused', live_version_id = "
            "(select id from workflow_versions v where v.workspace_id = :w) where workspace_id = :w",
            "pause_sender": "update senders set status = 'paused' where workspace_id = :w",
            "use_up_cap": "update senders set daily_cap = 0 where workspace_id = :w",
            "take_away": "update email_logs set fence = fence + 1 where workspace_id = :w",
        }[change]
        world.sql(statement)

    sink.answer = at("DATA", act)
    ids = world.intend(
        kind=kind, contact_id=contact, run_id=run, workflow_id=workflow, node="n", visit=1,
        to_address="ada@example.org",
    )  # fmt: skip
    deliver(world.runtime)
    (row,) = world.rows(*ids)
    assert sink.mails == []
    assert (row.status, row.reason or row.hold_reason) == (status, reason)
    told = world.sql("select payload ->> 'port', node, visit from run_stimuli where workspace_id = :w")
    assert told == ([("skipped", "n", 1)] if status in ("skipped", "cancelled") else [])
    # The channel is as good as before: the next mail goes.
    if change in ("pause_sender", "use_up_cap"):
        return
    sink.answer = lambda _verb, _session: None
    world.intend(to_address="grace@example.org")
    drain(world.runtime)
    assert "grace@example.org" in {mail.recipient for mail in sink.mails}


def test_if_the_mark_cannot_be_committed_nothing_is_sent(
    world: MailWorld, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_it(*_: Any) -> None:
        raise RuntimeError("the database went away")

    world.intend(4)
    with monkeypatch.context() as patched:
        patched.setattr("autoloop.mail.delivery.pump.mark", break_it)
        Delivery(world.runtime).work()
    assert sink.mails == []
    assert statuses(world) == ["intent"] * 4
    world.make_due()
    drain(world.runtime)
    assert len({mail.message_id for mail in sink.mails}) == len(sink.mails) == 4


def test_waiting_for_a_person_is_no_attempt(world: MailWorld, sink: Sink) -> None:
    ids = world.intend(1)
    world.sql("update senders set status = 'paused' where workspace_id = :w")
    for _ in range(3):
        world.make_due()
        assert deliver(world.runtime) == 1
    (row,) = world.rows(*ids)
    assert (row.hold_reason, row.attempts) == ("sender_paused", 0)
    world.sql("update senders set status = 'active' where workspace_id = :w")
    world.make_due()
    drain(world.runtime)
    assert world.rows(*ids)[0].attempts == 1


def test_every_workspace_gets_its_turn(runtime: Runtime, settings: Settings, sink: Sink) -> None:
    worlds = [MailWorld(runtime, make_tenant(runtime), sink.port) for _ in range(3)]
    for world, count in zip(worlds, (60, 60, 2), strict=True):
        world.intend(count)
    delivery = Delivery(Runtime(replace(settings, worker_batch=2), runtime.registrations))
    for _ in range(3):
        delivery.work()
    assert statuses(worlds[2]).count("accepted") >= 1
    drain(runtime)


def test_what_somebody_waits_for_overtakes_a_campaign(
    runtime: Runtime, settings: Settings, tenant: Tenant, sink: Sink
) -> None:
    world = MailWorld(runtime, tenant, sink.port)
    contact = world.contact("ada@example.org", consent_marketing="granted")
    world.intend(40, kind="marketing", contact_id=contact)
    world.intend(1, kind="transactional", to_address="reset@example.org")
    world.intend(1, kind="marketing", contact_id=contact, priority=5, to_address="first@example.org")
    Delivery(Runtime(replace(settings, worker_batch=4), runtime.registrations)).work()
    first = [mail.recipient for mail in sink.mails]
    assert {"reset@example.org", "first@example.org"} < set(first)
    assert len(first) == 4, "the campaign goes on in what is left of the batch"
    drain(runtime)
    assert len(sink.mails) == 42


@pytest.mark.parametrize("ramped", [False, True])
def test_the_limit_of_a_day_holds_exactly_under_fifty_parallel_senders(
    runtime: Runtime, tenant: Tenant, sink: Sink, ramped: bool
) -> None:
    # In a zone whose day does not end while this runs.
    zone = "Asia/Tokyo" if datetime.now(UTC).hour > 20 else "UTC"
    # The third day of the ramp: 10 + 2 * 10.
    since = (datetime.now(ZoneInfo(zone)) - timedelta(days=2)).date().isoformat()
    ramp = {"start": 10, "step": 10, "target": 100, "since": since}
    limits = {"daily_cap": 90, "ramp": ramp} if ramped else {"daily_cap": 30}
    world = MailWorld(runtime, tenant, sink.port, sender={**limits, "timezone": zone})
    world.intend(100)
    all_at_once(runtime)
    assert len(sink.mails) == 30
    assert Counter(statuses(world)) == {"accepted": 30, "intent": 70}
    held = world.sql(
        "select distinct hold_reason, due_at > now() from email_logs where workspace_id = :w and status = 'intent'"
    )
    assert held == [("daily_cap", True)]
    assert world.sql("select used from sender_days where workspace_id = :w") == [(30,)]


def test_a_mail_that_was_not_accepted_gives_its_unit_back(
    runtime: Runtime, tenant: Tenant, sink: Sink
) -> None:
    world = MailWorld(runtime, tenant, sink.port, sender={"daily_cap": 1})
    sink.answer = at(".", lambda: None, "451 try later")
    world.intend(1)
    drain(runtime)
    assert world.sql("select used from sender_days where workspace_id = :w") == [(0,)]
    world.make_due()
    drain(runtime)
    assert statuses(world) == ["accepted"]
    assert world.sql("select used from sender_days where workspace_id = :w") == [(1,)]
