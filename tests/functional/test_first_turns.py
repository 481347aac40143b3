"""Runs that events start take their first turn where they are let in; when anything is wrong, Advance does."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from autoloop.base.clock import Clock
from autoloop.base.runtime import Runtime
from autoloop.engine import routing
from autoloop.engine.advance import first, poison
from autoloop.settings import Settings
from tests.factories import Tenant
from tests.functional.deadly import Deadly
from tests.functional.engine_world import World, engine_only
from tests.functional.mail_world import until
from tests.unit.engine.graphs import TEMPLATE, graph

PAID = ("event", {"event": "order.paid"})
SHAPE = text("""
select r.status, r.due_at is null as still, r.attempts, r.steps,
  (select count(*) from run_steps s where s.run_id = r.id) as lines,
  (select count(*) from run_waits w where w.run_id = r.id) as waits
from workflow_runs r where r.workspace_id = :w and r.contact_id = :c""")


def fresh(settings: Settings) -> Runtime:
    runtime = engine_only(settings)
    runtime.registrations.plugins.add("step", Deadly)
    return runtime


@pytest.fixture(scope="module")
def runtime(settings: Settings) -> Iterator[Runtime]:
    held = fresh(settings)
    yield held
    held.dispose()


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    runtime.clock = Clock()
    monkeypatch.setattr(routing, "CAREFUL", 0.0)  # each test is of its own
    made = World(runtime, tenant.id)
    yield made
    with runtime.unit("worker") as services:
        gone = "update workflow_runs set due_at = null, status = 'waiting' where ended_at is null"
        services.session.execute(text(f"{gone} and status in ('active', 'waiting')"))
        services.session.execute(text("delete from run_batches"))


def shape(world: World, contact: UUID) -> tuple[Any, ...]:
    """(status, not due, attempts, steps, lines of the journal, waits) of a contact's only run."""
    with world.runtime.unit("worker") as services:
        return tuple(services.session.execute(SHAPE, {"w": world.workspace_id, "c": contact}).one())


def route(world: World) -> None:
    while routing.work(world.runtime):
        pass


def test_a_run_ends_where_it_began(world: World) -> None:
    (ada,) = world.contacts()
    world.workflow(
        graph(
            ("a", "deadly", {}),
            ("b", "update_contact", {"set": [{"field": "title", "value": "Buyer"}]}),
            edges="a>b",
        ),
        PAID,
    )
    world.happen("order.paid", ada)
    route(world)
    assert shape(world, ada) == ("completed", True, 0, 2, 2, 0)
    assert world.count("business_contacts", f"id = '{ada}' and title = 'Buyer'") == 1


def test_a_mail_is_asked_for_and_its_fate_waited_for(world: World) -> None:
    (ada,) = world.contacts()
    world.workflow(graph(("m", "send_email", {"template_id": str(TEMPLATE)})), PAID)
    world.happen("order.paid", ada)
    route(world)
    assert shape(world, ada)[0] == "waiting" and shape(world, ada)[5] == 1
    assert [mail.contact_id for mail in world.mails] == [ada]
    world.answer()
    world.settle()
    assert shape(world, ada)[0] == "completed"


def test_who_will_listen_to_events_is_left_to_advance(world: World) -> None:
    """An event that is routed before our commit would find neither a wait nor a run to wait for."""
    (ada,) = world.contacts()
    world.workflow(graph(("w", "wait_for_event", {"event": "order.sent"})), PAID)
    world.happen("order.paid", ada)
    route(world)
    assert shape(world, ada) == ("active", False, 0, 0, 0, 0)
    world.settle()
    assert shape(world, ada)[5] == 1
    world.happen("order.sent", ada)
    world.settle()
    assert shape(world, ada)[0] == "completed"


def test_who_may_not_enter_does_nothing(world: World) -> None:
    """What a second first turn would have done is forgotten with it."""
    (ada,) = world.contacts()
    world.workflow(graph(("m", "send_email", {"template_id": str(TEMPLATE)}), reentry="once"), PAID)
    world.happen("order.paid", ada)
    world.happen("order.paid", ada)
    route(world)
    world.happen("order.paid", ada)
    route(world)
    assert len(world.mails) == 1
    assert shape(world, ada)[5] == 1


def test_a_step_that_hangs_holds_up_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first, "SECONDS", 0.5)
    good, (bad,) = world.contacts(3), world.contacts(1, title="hang")
    world.workflow(graph(("d", "deadly", {})), PAID)
    for each in (*good, bad):
        world.happen("order.paid", each)
    route(world)
    assert [shape(world, each)[0] for each in good] == ["completed"] * 3
    assert shape(world, bad) == ("active", False, 0, 0, 0, 0)


def test_after_an_error_runs_are_let_in_as_due(world: World) -> None:
    (ada,) = world.contacts()
    world.workflow(graph(("m", "send_email", {"template_id": str(TEMPLATE)})), PAID)
    world.happen("order.paid", ada)
    handlers = world.runtime.registrations.effect_handlers
    usual = handlers["send_email"]

    def broken(*_: Any) -> None:
        raise RuntimeError("the mails' domain is broken")

    handlers["send_email"] = broken
    route(world)
    assert shape(world, ada) == ("active", False, 0, 0, 0, 0)
    handlers["send_email"] = usual
    world.settle()
    assert len(world.mails) == 1
    with world.runtime.unit("worker") as services:
        assert services.session.execute(text("select count(*) from run_batches")).scalar() == 0


def die(settings: Settings) -> None:
    runtime = fresh(settings)
    while routing.work(runtime):
        pass


def killed(settings: Settings) -> int | None:
    child = multiprocessing.get_context("fork").Process(target=die, args=(settings,))
    child.start()
    child.join(60)
    return child.exitcode


def test_after_a_death_runs_are_let_in_as_due(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who kills a worker kills one router only; then it is for Advance to find out."""
    good, (bad,) = world.contacts(3), world.contacts(1, title="kill")
    world.workflow(graph(("d", "deadly", {})), PAID)
    for each in (*good, bad):
        world.happen("order.paid", each)
    world.runtime.dispose()
    assert killed(settings) == -signal.SIGKILL
    until(partial(free, world))
    monkeypatch.setattr(poison, "OLD", "interval '0 seconds'")
    poison.recover(world.runtime)  # may come before the next router: that one must still know
    world.runtime.dispose()
    assert killed(settings) == 0
    assert {shape(world, each) for each in (*good, bad)} == {("active", False, 0, 0, 0, 0)}
    poison.recover(world.runtime)
    with world.runtime.unit("worker") as services:
        assert services.session.execute(text("select count(*) from run_batches")).scalar() == 0


def free(world: World) -> bool:
    """PostgreSQL has noticed that the worker is dead."""
    sql = text("select pg_try_advisory_xact_lock(hashtextextended(id::text, 7)) from run_batches")
    with world.runtime.unit("worker") as services:
        return list(services.session.execute(sql).scalars()) == [True]
