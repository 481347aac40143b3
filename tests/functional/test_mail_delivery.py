"""Delivery over real PostgreSQL and real SMTP: each email once, and never silently twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink, SmtpSession
from autoloop.mail.delivery import letters, settle_lapsed, settle_unknown
from autoloop.settings import Settings
from tests.factories import Tenant
from tests.functional.mail_world import MailWorld, at, drain, sending_process, statuses, until


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sink: Sink) -> MailWorld:
    return MailWorld(runtime, tenant, sink.port)


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
