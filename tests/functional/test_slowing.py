"""What the other side says slows its own mail only: over real SMTP, and over HTTP with 429."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink, SmtpSession
from autoloop.mail.delivery import Delivery
from autoloop.mail.governor.slowing import take_probes
from autoloop_plugins.email.sendgrid import SendgridProvider
from tests.factories import Client, Tenant
from tests.functional.mail_world import MailWorld, called_off, drain, until
from tests.functional.test_cloud_delivery import leave_by
from tests.vendors import sendgrid
from tests.vendors.server import Answer, Asked

BAD, GOOD = "busy.example", "fine.example"


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sink: Sink) -> Iterator[MailWorld]:
    with called_off(MailWorld(runtime, tenant, sink.port)) as world:
        yield world


def pushes(verb: str, line: str, domain: str = BAD) -> Callable[[str, SmtpSession], str | None]:
    """The server answers so to one domain's mail."""

    def answer(heard: str, session: SmtpSession) -> str | None:
        return line if heard == verb and session.recipient.endswith(domain) else None

    return answer


def pace(world: MailWorld, domain: str = BAD) -> Any:
    found = world.sql(
        "select s.*, s.open_until > now() as is_open from mail_slowings s "
        "where s.workspace_id = :w and s.domain = :domain",
        domain=domain,
    )
    return found[0] if found else None


def due(world: MailWorld) -> None:
    """The waits of single mails are over, breaks are not."""
    world.sql("update email_logs set due_at = now() where workspace_id = :w and status = 'intent'")


def break_is_over(world: MailWorld) -> None:
    world.sql("update mail_slowings set open_until = now(), probe_until = null where workspace_id = :w")
    world.sql(
        "update provider_accounts set rest_until = now() where workspace_id = :w and rest_until is not null"
    )


def to(sink: Sink, domain: str) -> int:
    return sum(mail.recipient.endswith(domain) for mail in sink.mails)


@pytest.mark.parametrize(
    ("verb", "line"), [("RCPT", "421 4.7.0 slow down"), ("RCPT", "450 busy"), (".", "451 4.7.1 try later")]
)
def test_one_domain_that_pushes_back_is_slowed_and_the_others_go_on(
    world: MailWorld, sink: Sink, verb: str, line: str
) -> None:
    sink.answer = pushes(verb, line)
    for n in range(30):
        world.intend(1, to_address=f"p{n}@{BAD}")
        world.intend(1, to_address=f"p{n}@{GOOD}")
    drain(world.runtime)
    assert (to(sink, GOOD), to(sink, BAD)) == (30, 0), "all of the other domain's mail arrives"
    slow = pace(world)
    assert (slow.account_id, slow.code, slow.said) == (world.account_id, int(line[:3]), line)
    assert slow.rate < 1 and pace(world, GOOD) is None and pace(world, "") is None
    waiting = [row for row in world.rows() if row.status == "intent"]
    assert len(waiting) == 30
    tried = Counter(row.hold_reason for row in waiting if row.attempts)
    put_off = [row for row in waiting if not row.attempts]
    assert set(tried) == {"deferred"} and len(put_off) >= 20, "the others need not try to know"
    assert {row.hold_reason for row in put_off} <= {"slowed", "breaker"}
    assert {row.held_by for row in put_off} == {f"pace:{world.account_id}:{BAD}"}


def test_the_breaker_lets_one_mail_find_out_and_closes_when_it_gets_through(
    world: MailWorld, sink: Sink
) -> None:
    sink.answer = pushes("RCPT", "450 busy")
    world.intend(12, to_address="p{n}@" + BAD)
    while pace(world) is None or not pace(world).is_open:
        due(world)
        drain(world.runtime)
    asked = []

    def count(heard: str, session: SmtpSession) -> str | None:
        if heard == "RCPT":
            asked.append(session.recipient)
            return "450 busy"
        return None

    sink.answer = count
    due(world)
    drain(world.runtime)
    assert asked == [], "nothing is tried while it is open"
    assert {row.hold_reason for row in world.rows()} == {"breaker"}
    break_is_over(world)
    due(world)
    drain(world.runtime)
    assert len(asked) == 1, "one mail finds out"
    assert pace(world).is_open and pace(world).openings == 2, "and it opens again, for longer"
    sink.answer = lambda heard, session: None
    break_is_over(world)
    due(world)
    drain(world.runtime)
    assert to(sink, BAD) == 1
    assert pace(world).open_until is None and pace(world).rate < 1, "closed, but not fast yet"
    world.sql("update mail_slowings set rate = ceiling where workspace_id = :w")

    def at_full_speed() -> bool:
        due(world)
        Delivery(world.runtime).work()
        return pace(world) is None

    until(at_full_speed)
    drain(world.runtime)
    assert to(sink, BAD) == 12, (
        "what found its old speed is forgotten, and whoever waited for a turn comes at once"
    )


def test_after_half_a_day_of_silence_it_is_forgotten(world: MailWorld, sink: Sink) -> None:
    sink.answer = pushes("RCPT", "450 <p0@busy.example> has much mail")
    world.intend(1, to_address="p0@" + BAD)
    drain(world.runtime)
    assert pace(world).said == "450 <…> has much mail", "of no person"
    world.sql("update mail_slowings set pushed_at = now() - interval '13 hours' where workspace_id = :w")
    world.intend(5, to_address="p{n}@" + BAD)
    sink.answer = lambda heard, session: None
    drain(world.runtime)
    assert to(sink, BAD) == 5
    sink.answer = pushes("RCPT", "450 busy")
    world.intend(1, to_address="q@" + BAD)
    drain(world.runtime)
    assert (pace(world).rate, pace(world).failures) == (0.5, 1), "it begins anew"


def test_one_mail_at_a_time_finds_out_and_one_that_never_answers_holds_nobody_up(world: MailWorld) -> None:
    pair = (world.account_id, BAD)

    def probe() -> bool:
        with world.runtime.unit("worker") as services:
            return take_probes(services.session, {pair: world.tenant.id}) == {pair}

    world.sql(
        "insert into mail_slowings (workspace_id, account_id, domain, pushed_at, since, open_until) "
        "values (:w, :account, :domain, now(), now(), now() + interval '1 minute')",
        account=world.account_id,
        domain=BAD,
    )
    assert not probe(), "while the break lasts nobody tries"
    break_is_over(world)
    assert (probe(), probe()) == (True, False)
    world.sql("update mail_slowings set probe_until = now() where workspace_id = :w")
    assert probe()


def test_what_the_recipient_is_refused_for_slows_nobody(world: MailWorld, sink: Sink) -> None:
    sink.answer = pushes("RCPT", "550 no such user")
    world.intend(8, to_address="p{n}@" + BAD)
    drain(world.runtime)
    assert Counter(row.status for row in world.rows()) == {"rejected": 8}
    assert pace(world) is None


def test_an_account_in_trouble_rests_longer_each_time_and_one_mail_finds_out(
    world: MailWorld, sink: Sink
) -> None:
    connects = []

    def shut(heard: str, session: SmtpSession) -> str | None:
        if heard == "CONNECT":
            connects.append(1)
            return "554 not today"
        return None

    sink.answer = shut
    world.intend(6)
    rests = []
    for _ in range(3):
        before = len(connects)
        due(world)
        drain(world.runtime)
        assert len(connects) == before + 1, "one try, whoever waits"
        ((seconds, problem),) = world.sql(
            "select extract(epoch from rest_until - problem_at), problem from provider_accounts where workspace_id = :w"
        )
        assert "554 not today" in problem
        rests.append(float(seconds))
        assert {row.hold_reason for row in world.rows()} <= {"account_resting", "deferred"}
        break_is_over(world)
    assert 14 <= rests[0] <= 21 and 29 <= rests[1] <= 41 and 59 <= rests[2] <= 81
    sink.answer = lambda heard, session: None
    due(world)
    drain(world.runtime)
    assert len(sink.mails) == 1
    assert pace(world, "") is None
    due(world)
    drain(world.runtime)
    assert len(sink.mails) == 6
    assert world.sql("select problem from provider_accounts where workspace_id = :w") == [(None,)]


@pytest.mark.parametrize("dated", [False, True])
def test_429_slows_the_domain_for_as_long_as_it_asks(
    world: MailWorld, api: Client, monkeypatch: pytest.MonkeyPatch, dated: bool
) -> None:
    over = datetime.now(UTC) + timedelta(hours=2)
    asked = format_datetime(over, usegmt=True) if dated else "7200"

    with sendgrid.FakeSendgrid() as fake:
        monkeypatch.setattr(SendgridProvider, "hosts", {"global": fake.url})
        leave_by(api, "sendgrid", {"api_key": sendgrid.API_KEY})

        def slow(request: Asked) -> Answer:
            if BAD.encode() in request.body:
                return Answer(429, b'{"errors": [{"message": "too many"}]}', {"Retry-After": asked})
            return fake.answer(request)

        fake.planned = [slow] * 100
        for n in range(10):
            world.intend(1, to_address=f"p{n}@{BAD}")
            world.intend(1, to_address=f"p{n}@{GOOD}")
        drain(world.runtime)
        assert len(fake.mails) == 10
    left = pace(world).open_until - datetime.now(UTC)
    assert timedelta(minutes=115) < left < timedelta(minutes=121)
    waits = {row.due_at - datetime.now(UTC) for row in world.rows() if row.hold_reason == "breaker"}
    assert not waits or min(waits) > timedelta(minutes=115)
    assert pace(world, "") is None, "the account goes on"


def test_where_everybody_is_pushed_back_it_is_the_account(world: MailWorld, sink: Sink) -> None:
    sink.answer = lambda heard, session: "421 too many connections" if heard == "RCPT" else None
    for n in range(12):
        world.intend(1, to_address=f"p@d{n}.example")
    drain(world.runtime)
    assert pace(world, "").is_open
    assert "account_resting" in {row.hold_reason for row in world.rows()}


def test_mail_that_its_domain_held_back_is_not_put_off_again_by_its_account(
    world: MailWorld, sink: Sink
) -> None:
    sink.answer = lambda heard, session: "421 slow down" if heard == "RCPT" else None
    for n in range(60):
        world.intend(1, to_address=f"p@d{n % 6}.example")
    drain(world.runtime)
    assert pace(world, "").is_open
    held = world.sql("""
      select e.attempts, count(a.n) as tried from email_logs e
      left join email_attempts a on a.workspace_id = e.workspace_id and a.email_id = e.id
      where e.workspace_id = :w group by e.id, e.attempts""")
    assert len(held) == 60
    assert all(row.attempts == row.tried for row in held), "being held is no attempt, and takes none away"


def test_what_a_server_says_of_an_account_is_kept_without_addresses_and_signs(
    world: MailWorld, sink: Sink
) -> None:
    said = "421 4.7.0 <Bob.B@example.org>: \0 come \ufffd later"
    sink.answer = lambda heard, session: said if heard == "CONNECT" else None
    world.intend(3, to_address="p{n}@" + BAD)
    drain(world.runtime)
    assert pace(world, "").is_open
    ((problem,),) = world.sql("select problem from provider_accounts where workspace_id = :w")
    assert problem.startswith("421 4.7.0 <…>:") and "\0" not in problem
