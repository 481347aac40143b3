"""Delivery whose processes are killed, and whose leases lapse: nothing is lost, nothing is sent twice."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink
from autoloop.mail.delivery import deliver, settle_lapsed
from autoloop.settings import Settings
from tests.factories import Tenant
from tests.functional.mail_world import MailWorld, at, drain, sending_process, statuses, until


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sink: Sink) -> MailWorld:
    return MailWorld(runtime, tenant, sink.port)


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
