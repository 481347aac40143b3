"""What people allow, over real SMTP, PostgreSQL and Redis: rates put mail off, days hold exactly, nothing is lost."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
import redis as redis_client
from sqlalchemy import event

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.embedded.redis import Redis
from autoloop.embedded.smtp_sink import Sink, SmtpSession
from autoloop.mail.delivery import Delivery
from autoloop.mail.governor.buckets import BULK, PROMPT, Bucket, Demand
from autoloop.mail.governor.in_redis import RedisBuckets
from autoloop.mail.governor.in_rows import spend_in_rows
from autoloop.mail.models import MailLimit
from tests.factories import Tenant
from tests.functional.mail_world import MailWorld, drain, until

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sink: Sink) -> Iterator[MailWorld]:
    world = MailWorld(runtime, tenant, sink.port)
    # In a zone whose day does not end while this runs.
    zone = "Asia/Tokyo" if datetime.now(UTC).hour > 20 else "UTC"
    world.sql("update workspaces set timezone = :zone where id = :w", zone=zone)
    yield world
    # What still waits would be due while another test delivers.
    world.sql("update email_logs set status = 'cancelled' where workspace_id = :w and status = 'intent'")


def limit(world: MailWorld, **given: Any) -> UUID:
    id = new_id()
    with world.runtime.unit("web", world.tenant.id) as services:
        services.session.add(MailLimit(id=id, workspace_id=world.tenant.id, **given))
    return id


def without_redis(runtime: Runtime) -> Runtime:
    return Runtime(replace(runtime.settings, redis_url=NOWHERE), runtime.registrations)


def held(world: MailWorld) -> Counter[Any]:
    return Counter((row.hold_reason, row.held_by) for row in world.rows() if row.status == "intent")


@pytest.mark.parametrize("in_redis", [True, False])
def test_what_is_over_a_rate_is_put_off_one_by_one_with_its_reason(
    world: MailWorld, sink: Sink, in_redis: bool
) -> None:
    runtime = world.runtime if in_redis else without_redis(world.runtime)
    id = limit(world, per_hour=360)
    world.intend(21)
    drain(runtime)
    assert len(sink.mails) == 6, "a minute's worth leaves at once"
    waiting = [row for row in world.rows() if row.status == "intent"]
    assert held(world) == {("rate", f"limit:{id}:"): 15}
    assert {row.reason for row in waiting} == {"At most 360 an hour from the whole workspace"}
    assert {row.attempts for row in waiting} == {0}
    turns = sorted(row.due_at for row in waiting)
    assert all(9.5 < (b - a).total_seconds() < 10.5 for a, b in pairwise(turns))
    if not in_redis:
        runtime.dispose()


def test_what_was_put_off_arrives_at_the_rate(world: MailWorld, sink: Sink) -> None:
    limit(world, account_id=world.account_id, per_second=10)
    world.intend(40)
    delivery = Delivery(world.runtime)

    def all_arrived() -> bool:
        delivery.work()
        return len(sink.mails) == 40

    until(all_arrived, 60)
    times = sorted(mail.at for mail in sink.mails)
    # Ten at once, then thirty at ten a second; ten more at once if Redis was slow to answer one time.
    assert times[-1] - times[0] > 1.5
    assert {row.attempts for row in world.rows()} == {1}


def test_each_limit_counts_only_what_it_is_about(world: MailWorld, sink: Sink) -> None:
    each = limit(world, recipient_domain="*", per_hour=60)
    own = limit(world, recipient_domain="big.example", per_hour=180)
    limit(world, sender_id=world.sender_id, per_minute=600)
    limit(world, account_id=world.account_id, per_hour=60_000)
    for domain in ("big.example", "one.example", "two.example"):
        world.intend(5, to_address="p{n}@" + domain)
    drain(world.runtime)
    arrived = Counter(mail.recipient.partition("@")[2] for mail in sink.mails)
    assert arrived == {"big.example": 3, "one.example": 1, "two.example": 1}
    assert held(world) == {
        ("rate", f"limit:{own}:"): 2,
        ("rate", f"limit:{each}:one.example"): 4,
        ("rate", f"limit:{each}:two.example"): 4,
    }


def test_prompt_mail_goes_before_a_campaign_that_waits(world: MailWorld, sink: Sink) -> None:
    contact = world.contact("c@example.org", consent_marketing="granted")
    limit(world, per_hour=60)
    world.intend(30, kind="marketing", contact_id=contact)
    drain(world.runtime)
    world.intend(1, to_address="reset@example.org")
    drain(world.runtime)
    now = datetime.now(UTC)
    waits = {
        row.to_address: (row.due_at - now).total_seconds() for row in world.rows() if row.status == "intent"
    }
    assert waits.pop("reset@example.org", 0) < 61
    assert max(waits.values()) > 25 * 60


@pytest.mark.parametrize("redis_is", ["flushed", "away"])
def test_days_hold_exactly_under_fifty_parallel_sends(
    world: MailWorld, sink: Sink, redis: Redis, redis_is: str
) -> None:
    workspace = limit(world, per_day=30, per_second=1000)
    domain = limit(world, recipient_domain="*", per_day=8)
    for name in ("a.example", "b.example", "c.example", "d.example", "e.example"):
        world.intend(20, to_address="p{n}@" + name)
    runtime = world.runtime if redis_is == "flushed" else without_redis(world.runtime)
    gate = threading.Barrier(50)
    server = redis_client.Redis.from_url(redis.url)
    taken = threading.Event()

    def flush(verb: str, session: SmtpSession) -> str | None:
        if verb == "." and len(sink.mails) > 5:
            taken.set()
        return None

    sink.answer = flush

    def send() -> None:
        delivery = Delivery(runtime)
        gate.wait(30)
        while delivery.work():
            pass

    with ThreadPoolExecutor(50) as pool:
        going = [pool.submit(send) for _ in range(50)]
        assert taken.wait(60)
        server.flushall()
        for done in going:
            done.result(120)
    assert len(sink.mails) == len({mail.message_id for mail in sink.mails}) == 30
    assert max(Counter(mail.recipient.partition("@")[2] for mail in sink.mails).values()) <= 8
    assert Counter(row.status for row in world.rows()) == {"accepted": 30, "intent": 70}
    assert {reason for reason, _ in held(world)} == {"daily_cap"}
    used = dict(world.sql("select limit_id, sum(used) from limit_days where workspace_id = :w group by 1"))
    assert used == {workspace: 30, domain: 30}
    server.close()
    if runtime is not world.runtime:
        runtime.dispose()


def test_a_mail_that_was_not_accepted_gives_its_day_back(world: MailWorld, sink: Sink) -> None:
    id = limit(world, account_id=world.account_id, per_day=1)
    world.sql("insert into limit_days values (:w, :id, '', current_date - 9, 5)", id=id)
    said = ["450 later"]
    sink.answer = lambda verb, session: said.pop() if verb == "." and said else None
    world.intend(1)
    drain(world.runtime)
    assert world.sql("select used from limit_days where workspace_id = :w") == [(0,)]
    world.make_due()
    world.intend(1)
    drain(world.runtime)
    assert Counter(row.status for row in world.rows()) == {"accepted": 1, "intent": 1}
    assert world.sql("select used from limit_days where workspace_id = :w") == [(1,)]


def test_a_batch_costs_as_many_statements_however_large_it_is(world: MailWorld) -> None:
    ran: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        ran.append(statement)

    def claiming(count: int) -> int:
        world.intend(count, to_address="p{n}@d{n}.example")
        delivery = Delivery(world.runtime)
        delivery.governor._redis = RedisBuckets(world.runtime.settings.redis_url, answers_within=20)
        delivery._claim()  # the statements and transactions of channels are another matter
        ran.clear()
        world.intend(count, to_address="p{n}@d{n}.example")
        delivery.governor.cache.forget(world.tenant.id)  # what is read once a second counts here, too
        ran.clear()
        ready, claimed = delivery._claim()
        assert claimed == count
        assert len(ready) == (count if free else 0)
        return len([each for each in ran if not each.startswith("SAVEPOINT")])

    event.listen(world.runtime.worker_engine, "before_cursor_execute", note)
    try:
        free = True
        none = claiming(5)
        assert claiming(90) == none
        limit(world, per_day=10**6)
        limit(world, recipient_domain="*", per_hour=10)
        limit(world, account_id=world.account_id, per_hour=60)
        world.sql("delete from email_logs where workspace_id = :w")
        free = False
        some = claiming(5)
        assert claiming(90) == some
        assert some <= none + 3
    finally:
        event.remove(world.runtime.worker_engine, "before_cursor_execute", note)


def test_redis_and_rows_give_the_same_turns(world: MailWorld, redis: Redis) -> None:
    chance = random.Random(4)
    in_redis = RedisBuckets(redis.url, answers_within=20)
    for round in range(12):
        buckets = [
            Bucket(f"{world.tenant.id}:{round}:{n}", 1 / chance.uniform(200, 6000), chance.randint(1, 6))
            for n in range(chance.randint(1, 5))
        ]
        for _ in range(3):
            demands = [
                Demand(
                    chance.choice((BULK, PROMPT)),
                    tuple(sorted(chance.sample(range(len(buckets)), chance.randint(1, len(buckets))))),
                )
                for _ in range(40)
            ]
            with world.runtime.unit("worker") as services:
                rows = spend_in_rows(services.session, [world.tenant.id] * len(buckets), buckets, demands)
            answer = in_redis.spend(buckets, demands)
            assert answer is not None
            assert answer[1] == rows[1]
            assert answer[0] == pytest.approx(rows[0], abs=10)
    in_redis.close()
