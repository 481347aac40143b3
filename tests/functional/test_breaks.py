"""Members are told once when mail stops flowing to a domain or through an account, and when it flows again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink
from autoloop.mail.governor.breaks import PROBE
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld, drain
from tests.functional.test_slowing import BAD, break_is_over, due, pace, pushes


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sink: Sink) -> Iterator[MailWorld]:
    world = MailWorld(runtime, tenant, sink.port)
    yield world
    world.sql("update email_logs set status = 'cancelled' where workspace_id = :w and status = 'intent'")
    world.sql("delete from mail_slowings where workspace_id = :w")


def tell(world: MailWorld) -> None:
    """Until there is nothing to tell of, as the scheduler and the workers do; twice, for nothing is told twice."""
    kind = world.runtime.registrations.due_kinds["mail_breaks"]
    for _ in range(2):
        while kind.work(world.runtime):
            pass


def told(world: MailWorld) -> list[tuple[str, bool, bool]]:
    """(title, by mail, read) of each notification."""
    rows = world.sql(
        "select title, mailed, read_at is not null from notifications where workspace_id = :w order by id"
    )
    return [tuple(row) for row in rows]


def stop(world: MailWorld, domain: str) -> None:
    """A domain's breaker is open; an account has failed again after its first rest."""
    while (row := pace(world, domain)) is None or not row.is_open or row.openings < (1 if domain else 2):
        if row is not None and row.is_open:
            break_is_over(world)
        due(world)
        drain(world.runtime)


def mend(world: MailWorld, sink: Sink) -> None:
    sink.answer = lambda _verb, _session: None
    while any(
        row.open_until for row in world.sql("select open_until from mail_slowings where workspace_id = :w")
    ):
        break_is_over(world)
        due(world)
        drain(world.runtime)


@pytest.mark.parametrize("of_account", [False, True], ids=["a domain", "an account"])
def test_a_break_is_told_once_and_so_is_its_end(
    world: MailWorld, sink: Sink, api: Client, tenant: Tenant, of_account: bool
) -> None:
    answer = pushes("CONNECT", "421 too many", "") if of_account else pushes("RCPT", "450 busy ada@x.org")
    domain, name = ("", "through test") if of_account else (BAD, f"to {BAD}")
    stopped, flows = f"No mail goes {name} for now", f"Mail goes {name} again"
    sink.answer = answer
    world.intend(8, to_address="p{n}@" + BAD)
    stop(world, domain)
    tell(world)
    assert told(world) == [(stopped, True, False)]
    (notice,) = api.data("notifications")
    assert f"/w/{tenant.slug}/sending" in notice["body"]
    assert ("421 too many" if of_account else "450 busy …") in notice["body"]
    mailed = "select content ->> 'subject' from email_logs where kind = 'system' and to_address = :to"
    assert world.sql(mailed, to=tenant.email) == [(stopped,)]
    # A longer break of the same trouble is no news.
    break_is_over(world)
    due(world)
    drain(world.runtime)
    tell(world)
    assert len(told(world)) == 1
    mend(world, sink)
    tell(world)
    assert told(world) == [(stopped, True, True), (flows, False, False)]
    # Within the hour it opens again: shown, not mailed.
    sink.answer = answer
    world.intend(8, to_address="q{n}@" + BAD)
    stop(world, domain)
    tell(world)
    assert told(world)[2:] == [(stopped, False, False)]


def test_the_first_rest_of_an_account_is_shown_as_what_it_is_and_told_to_nobody(
    world: MailWorld, sink: Sink, runtime: Runtime, wsgi: object, tenant: Tenant
) -> None:
    sink.answer = pushes("CONNECT", "421 too many", "")
    world.intend(1, to_address="p{n}@" + BAD)
    drain(world.runtime)
    row = pace(world, "")
    assert row is not None and (row.is_open, row.openings) == (True, 1)
    tell(world)
    assert told(world) == []
    shown = Browser(wsgi, runtime, tenant.user_id).get(f"/w/{tenant.slug}/sending/").text
    assert "rests some seconds after an error" in shown and "resting" in shown and ">stopped<" not in shown
    mend(world, sink)
    tell(world)
    assert told(world) == []


def test_who_ends_a_break_by_hand_closes_it(world: MailWorld, sink: Sink, api: Client) -> None:
    sink.answer = pushes("RCPT", "450 busy")
    world.intend(8, to_address="p{n}@" + BAD)
    stop(world, BAD)
    tell(world)
    api.post("sending/end-break", {"account_id": str(world.account_id), "domain": BAD})
    tell(world)
    assert [title for title, *_ in told(world)] == [
        f"No mail goes to {BAD} for now",
        f"Mail goes to {BAD} again",
    ]
    with world.runtime.unit("worker") as services:
        assert services.session.execute(text(PROBE)).scalar() in (True, False)  # others' breaks may be open
    assert world.sql("select 1 from mail_breaks where workspace_id = :w") == []


def test_a_wait_that_a_server_asks_for_is_no_break(world: MailWorld) -> None:
    world.sql(
        """insert into mail_slowings (workspace_id, account_id, domain, pushed_at, since, open_until)
        values (:w, :account, 'x.org', now(), now(), now() + interval '5 seconds')""",
        account=world.account_id,
    )
    tell(world)
    assert told(world) == []
