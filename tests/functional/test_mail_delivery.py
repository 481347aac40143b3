"""Delivery over real PostgreSQL and real SMTP: once, checked at the last moment, never silently twice."""

from __future__ import annotations

from collections import Counter

import pytest

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink, SmtpSession
from autoloop.mail.delivery import deliver
from tests.factories import Tenant
from tests.functional.mail_world import MailWorld


def drain(runtime: Runtime) -> None:
    for _ in range(100):
        if deliver(runtime) == 0:
            return
    raise AssertionError("delivery does not come to an end")


@pytest.fixture
def sink() -> Sink:
    with Sink() as running:
        yield running


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sink: Sink) -> MailWorld:
    return MailWorld(runtime, tenant, sink.port)


def test_each_email_is_delivered_once_and_its_attempt_is_kept(world: MailWorld, sink: Sink) -> None:
    ids = world.intend(23)
    drain(world.runtime)
    assert Counter(mail.message_id for mail in sink.mails) == Counter(
        row.message_id for row in world.rows(*ids)
    )
    assert {row.status for row in world.rows(*ids)} == {"accepted"}
    attempts = world.sql("select n, outcome, code from email_attempts where workspace_id = :w")
    assert attempts == [(1, "accepted", 250)] * 23


def test_no_octet_of_a_body_leaves_before_the_mark_is_committed(world: MailWorld, sink: Sink) -> None:
    seen: list[tuple[str, set[str]]] = []

    def look(verb: str, _session: SmtpSession) -> None:
        if verb in ("DATA", "BODY", "."):
            seen.append((verb, {row.status for row in world.rows(*ids)}))

    sink.answer = look
    ids = world.intend(1)
    drain(world.runtime)
    assert seen == [("DATA", {"intent"}), ("BODY", {"sending"}), (".", {"sending"})]
