"""Delivery over real PostgreSQL and real SMTP: once, checked at the last moment, never silently twice."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink, SmtpSession
from autoloop.mail.delivery import Delivery, deliver, letters, settle_lapsed, settle_unknown
from autoloop.mail.services.suppressions import Suppressions
from autoloop.settings import Settings
from tests.factories import Tenant, make_tenant
from tests.functional.mail_world import MailWorld, drain, sending_process, until


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sink: Sink) -> MailWorld:
    return MailWorld(runtime, tenant, sink.port)


def at(verb: str, act: Any, line: str | None = None) -> Any:
    """Do something when the server hears a verb, once; then answer with `line`, or as usual."""
    left = [1]

    def answer(heard: str, session: SmtpSession) -> str | None:
        if heard != verb or not left:
            return None
        left.pop()
        act()
        return line

    return answer


def statuses(world: MailWorld) -> list[str]:
    return [row.status for row in world.rows()]


# -- once -----------------------------------------------------------------------------------------


def test_each_email_is_delivered_once_and_its_attempt_is_kept(world: MailWorld, sink: Sink) -> None:
    ids = world.intend(23)
    drain(world.runtime)
    assert Counter(mail.message_id for mail in sink.mails) == Counter(
        row.message_id for row in world.rows(*ids)
    )
    assert set(statuses(world)) == {"accepted"}
    attempts = world.sql("select n, outcome, code from email_attempts where workspace_id = :w")
    assert attempts == [(1, "accepted", 250)] * 23


def test_several_processes_send_each_email_once(world: MailWorld, sink: Sink, settings: Settings) -> None:
    world.intend(400)
    processes = [sending_process(settings) for _ in range(3)]
    for process in processes:
        process.join(60)
    drain(world.runtime)
    assert len(sink.mails) == 400
    assert len({mail.message_id for mail in sink.mails}) == 400
    assert set(statuses(world)) == {"accepted"}


def test_no_octet_of_a_body_leaves_before_the_mark_is_committed(world: MailWorld, sink: Sink) -> None:
    seen: list[tuple[str, list[str]]] = []

    def look(verb: str, _session: SmtpSession) -> None:
        if verb in ("DATA", "BODY", "."):
            seen.append((verb, statuses(world)))

    sink.answer = look
    world.intend(1)
    drain(world.runtime)
    assert seen == [("DATA", ["intent"]), ("BODY", ["sending"]), (".", ["sending"])]


# -- killed ---------------------------------------------------------------------------------------


def test_a_process_killed_while_sending_leaves_unknown_and_never_an_intent(
    world: MailWorld, sink: Sink, settings: Settings
) -> None:
    heard = threading.Event()
    sink.answer = at(".", heard.set, "hang")
    (id,) = world.intend(1)
    process = sending_process(settings)
    assert heard.wait(30)
    process.kill()
    process.join(10)
    assert statuses(world) == ["sending"]
    assert deliver(world.runtime) == 0, "a live lease is nobody else's"
    world.lapse()
    assert deliver(world.runtime) == 0, "nor is it sent again once the lease is over"
    assert settle_lapsed(world.runtime) == 1
    drain(world.runtime)
    assert statuses(world) == ["unknown"]
    assert sink.mails == []
    assert world.sql("select outcome from email_attempts where email_id = :id", id=id) == [("unknown",)]


def test_a_process_killed_before_the_mark_leaves_an_intent_that_is_sent_once(
    world: MailWorld, sink: Sink, settings: Settings
) -> None:
    heard = threading.Event()
    sink.answer = at("DATA", heard.set, "hang")
    world.intend(1)
    process = sending_process(settings)
    assert heard.wait(30)
    process.kill()
    process.join(10)
    assert statuses(world) == ["intent"]
    world.lapse()
    drain(world.runtime)
    assert statuses(world) == ["accepted"]
    assert len(sink.mails) == 1


def test_a_reply_that_comes_after_the_lease_lapsed_still_settles_its_attempt(
    world: MailWorld, sink: Sink
) -> None:
    heard, go_on = threading.Event(), threading.Event()
    sink.answer = at(".", lambda: (heard.set(), go_on.wait(30)))
    world.intend(1)
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(drain, world.runtime)
        assert heard.wait(30)
        world.lapse()
        settle_lapsed(world.runtime)
        assert statuses(world) == ["unknown"]
        go_on.set()
        sending.result(30)
    assert statuses(world) == ["accepted"]
    assert len(sink.mails) == 1


def test_killed_again_and_again_it_loses_nothing_and_repeats_nothing(
    world: MailWorld, sink: Sink, settings: Settings
) -> None:
    ids = world.intend(1000)
    chance = random.Random(7)
    kills = 0
    while kills < 15 and "intent" in statuses(world):
        process = sending_process(settings)
        seen = len(sink.mails)
        until(lambda seen=seen, process=process: len(sink.mails) > seen or not process.is_alive())
        process.join(chance.uniform(0, 0.02))
        kills += process.is_alive()
        process.kill()
        process.join(10)
        world.lapse()
        settle_lapsed(world.runtime)
    drain(world.runtime)
    arrived = Counter(mail.message_id for mail in sink.mails)
    assert set(arrived.values()) == {1}
    rows = world.rows(*ids)
    assert {row.status for row in rows} <= {"accepted", "unknown"}
    assert not {row.message_id for row in rows if row.status == "accepted"} - arrived.keys()
    assert kills >= 5


# -- the mark checks again ------------------------------------------------------------------------


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


# -- caps -----------------------------------------------------------------------------------------


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
    gate = threading.Barrier(50)

    def send() -> None:
        delivery = Delivery(runtime)
        gate.wait(30)
        while delivery.work():
            pass

    with ThreadPoolExecutor(50) as pool:
        for done in [pool.submit(send) for _ in range(50)]:
            done.result(120)
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


# -- replies --------------------------------------------------------------------------------------


def test_a_retry_is_the_same_bytes_under_the_same_message_id(world: MailWorld, sink: Sink) -> None:
    first: list[bytes] = []

    def answer(verb: str, session: SmtpSession) -> str | None:
        if verb != "." or first:
            return None
        first.append(session.data)
        return "451 greylisted"

    sink.answer = answer
    ids = world.intend(1, kind="marketing", contact_id=world.contact("ada@example.org"))
    drain(world.runtime)
    (row,) = world.rows(*ids)
    assert (row.status, row.hold_reason, row.reason) == ("intent", "deferred", "451 greylisted")
    world.make_due()
    drain(world.runtime)
    assert [mail.data for mail in sink.mails] == first
    assert b"\r\nList-Unsubscribe: <http://localhost/t/" in first[0]
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in first[0]
    attempts = world.sql("select outcome, code from email_attempts where workspace_id = :w order by n")
    assert attempts == [("temporary", 451), ("accepted", 250)]


def test_deferred_for_three_days_is_given_up(world: MailWorld, sink: Sink) -> None:
    sink.answer = at("RCPT", lambda: None, "450 mailbox busy")
    ids = world.intend(1)
    world.sql("update email_logs set first_tried_at = now() - interval '72 hours' where workspace_id = :w")
    drain(world.runtime)
    (row,) = world.rows(*ids)
    assert row.status == "rejected"
    assert row.reason == "Given up after 72 hours: 450 mailbox busy"


def test_a_permanent_no_is_a_rejection_and_the_run_is_told_once(world: MailWorld, sink: Sink) -> None:
    contact = world.contact("gone@example.org")
    workflow, run = world.run(contact)
    sink.answer = at("RCPT", lambda: None, "550 5.1.1 no such user")
    world.intend(contact_id=contact, run_id=run, workflow_id=workflow, node="mail_1", visit=2)
    drain(world.runtime)
    assert statuses(world) == ["rejected"]
    told = world.sql("select kind, node, visit, payload ->> 'port' from run_stimuli where workspace_id = :w")
    assert told == [("email", "mail_1", 2, "failed")]


def test_an_account_in_trouble_rests_and_nobody_is_rejected(world: MailWorld, sink: Sink) -> None:
    sink.answer = lambda verb, _session: "421 too many connections" if verb == "CONNECT" else None
    world.intend(9)
    drain(world.runtime)
    assert set(statuses(world)) == {"intent"}
    assert world.sql("select problem, rest_until > now() from provider_accounts where workspace_id = :w") == [
        ("421 too many connections", True)
    ]
    sink.answer = lambda _verb, _session: None
    world.make_due()
    drain(world.runtime)
    assert len(sink.mails) == 9
    assert world.sql("select problem from provider_accounts where workspace_id = :w") == [(None,)]


def test_a_mail_that_cannot_be_written_holds_up_no_other(
    world: MailWorld, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = world.intend(3)
    compose = letters.compose

    def broken(letter: Any) -> bytes:
        if letter.to_address == "person1@example.org":
            raise RuntimeError("a fault of ours")
        return compose(letter)

    monkeypatch.setattr(letters, "compose", broken)
    drain(world.runtime)
    assert [row.status for row in world.rows(*ids)] == ["accepted", "intent", "accepted"]
    assert world.rows(ids[1])[0].hold_reason == "cannot_be_judged"
    monkeypatch.undo()
    world.make_due()
    drain(world.runtime)
    assert len(sink.mails) == 3


def test_a_reply_survives_a_database_that_is_gone_for_a_moment(
    world: MailWorld, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autoloop.mail.delivery import pump

    write, failures = pump.write_replies, [1, 2]

    def fail_first(services: Any, results: Any) -> int:
        if failures and results:
            failures.pop()
            services.session.execute(text("select pg_terminate_backend(pg_backend_pid())"))
        return write(services, results)

    monkeypatch.setattr(pump, "write_replies", fail_first)
    world.intend(3)
    drain(world.runtime)
    assert statuses(world) == ["accepted"] * 3
    assert len(sink.mails) == 3


# -- unknown --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "after", "ports"),
    [
        ("hold", ["unknown"], []),
        ("skip", ["skipped"], ["skipped"]),
        ("resend", ["resent", "accepted"], ["sent"]),
    ],
)
def test_an_unknown_email_is_handled_by_its_rule(
    world: MailWorld, sink: Sink, rule: str, after: list[str], ports: list[str]
) -> None:
    contact = world.contact("ada@example.org")
    workflow, run = world.run(contact)
    sink.answer = at(".", lambda: None, "close")
    world.intend(contact_id=contact, run_id=run, workflow_id=workflow, node="n", visit=1, on_unknown=rule)
    drain(world.runtime)
    assert statuses(world) == ["unknown"]
    assert settle_unknown(world.runtime) == 0, "it has time to be settled otherwise"
    world.sql("update email_logs set due_at = now() where workspace_id = :w")
    settle_unknown(world.runtime)
    drain(world.runtime)
    assert statuses(world) == after
    told = world.sql("select payload ->> 'port' from run_stimuli where workspace_id = :w")
    assert [port for (port,) in told] == ports


def test_the_mailbox_settles_unknown_by_its_key(runtime: Runtime, tenant: Tenant) -> None:
    world = MailWorld(runtime, tenant)
    world.intend(2)
    drain(runtime)
    assert statuses(world) == ["accepted"] * 2
    world.sql("update email_logs set status = 'sending' where workspace_id = :w")
    world.lapse()
    settle_lapsed(runtime)
    drain(runtime)
    assert statuses(world) == ["accepted"] * 2
    assert world.sql("select count(*) from mailbox_messages where workspace_id = :w") == [(2,)]


def test_the_heartbeat_keeps_a_slow_server_s_mail(
    world: MailWorld, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoloop.mail.delivery.heartbeat.BEAT", 0.05)
    lease = "select lease_until from email_logs where workspace_id = :w"
    beats: list[Any] = []

    def listen() -> None:
        first = world.sql(lease)
        until(lambda: world.sql(lease) > first)
        beats.append(True)

    sink.answer = at(".", listen)
    world.intend(1)
    drain(world.runtime)
    assert beats
    assert statuses(world) == ["accepted"]
