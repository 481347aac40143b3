"""By the clock and in large numbers: ticks and enrolments, each once, whoever is late or killed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from autoloop.base.clock import Clock
from autoloop.base.errors import AutoLoopError
from autoloop.base.runtime import Runtime
from autoloop.engine import schedules
from autoloop.engine.services import enrolments
from autoloop.engine.services.enrolments import Enrolments
from autoloop.engine.services.workflows import WorkflowStatus
from autoloop.settings import Settings
from tests.factories import Tenant
from tests.functional.engine_world import World, engine_only
from tests.unit.engine.graphs import graph

STOP = graph(("s", "wait", {"amount": 1}), reentry="always")


@pytest.fixture(scope="module")
def runtime(settings: Settings) -> Iterator[Runtime]:
    held = engine_only(settings)
    yield held
    held.dispose()


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> World:
    runtime.clock = Clock()
    return World(runtime, tenant.id)


def scheduled(world: World, **config: Any) -> UUID:
    given = {"cron": "0 9 * * *", "timezone": "Europe/Lisbon", "whom": "all", "missed": "once"} | config
    flow = world.workflow(STOP, ("schedule", given))
    follow(world, flow)
    return flow


def follow(world: World, flow: UUID) -> None:
    with world.runtime.unit("web", world.workspace_id) as services:
        schedules.follow(services, flow)


def row(world: World, table: str, flow: UUID) -> Any:
    with world.runtime.unit("worker") as services:
        found = text(f"select * from {table} where workflow_id = :flow")
        return services.session.execute(found, {"flow": flow}).one_or_none()


def late(world: World, flow: UUID, by: str) -> None:
    with world.runtime.unit("worker") as services:
        move = text("update schedules set due_at = now() - cast(:by as interval) where workflow_id = :flow")
        services.session.execute(move, {"by": by, "flow": flow})


def turn(world: World) -> None:
    while schedules.work(world.runtime) + enrolments.work(world.runtime):
        pass


def runs(world: World, flow: UUID) -> int:
    return world.count("workflow_runs", f"workflow_id = '{flow}'")


def test_a_tick_enrols_whom_it_names_once_and_moves_on(world: World) -> None:
    world.contacts(3)
    world.contacts(2, tags=["vip"])
    world.contacts(2, tags=["vip"], status="unsubscribed")
    flow = scheduled(world, whom="tag", tag="vip", cron="* * * * *")
    turn(world)
    assert runs(world, flow) == 0  # not before its time
    late(world, flow, "1 second")
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: schedules.work(world.runtime), range(4))) == 1
    turn(world)
    assert runs(world, flow) == 2
    done = row(world, "enrolments", flow)
    assert (done.status, done.trigger, done.seen, done.started) == ("done", "schedule", 2, 2)
    assert row(world, "schedules", flow).due_at > done.created_at


@pytest.mark.parametrize(("missed", "by", "ticks"), [("once", "3 days", 1), ("skip", "3 days", 0)])
def test_missed_ticks_are_made_up_for_once_or_skipped(world: World, missed: str, by: str, ticks: int) -> None:
    world.contacts(2)
    flow = scheduled(world, cron="0 0 1 1 *", missed=missed)
    late(world, flow, by)
    turn(world)
    assert (world.count("enrolments", f"workflow_id = '{flow}'"), runs(world, flow)) == (ticks, ticks * 2)
    assert schedules.work(world.runtime) == 0


def test_a_paused_workflow_does_not_tick_and_a_removed_trigger_neither(world: World) -> None:
    world.contacts(1)
    flow = scheduled(world)
    with world.runtime.unit("web", world.workspace_id) as services:
        services(WorkflowStatus).move(flow, "paused")
    late(world, flow, "1 second")
    turn(world)
    assert runs(world, flow) == 0
    before = row(world, "schedules", flow)
    follow(world, flow)
    assert row(world, "schedules", flow).due_at == before.due_at
    with world.runtime.unit("worker") as services:
        services.session.execute(text("delete from workflow_triggers where workflow_id = :f"), {"f": flow})
    assert row(world, "schedules", flow) is None


def test_a_killed_enrolment_goes_on_where_it_was_and_doubles_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrolments, "PART", 10)
    people = world.contacts(35)
    flow = world.workflow(STOP)
    with world.runtime.unit("web", world.workspace_id) as services:
        made = services(Enrolments).begin(flow, {"all": True}, entry_key="k")
        assert made.total == 35
        assert services(Enrolments).begin(flow, {"all": True}, entry_key="k").id == made.id
    assert enrolments.work(world.runtime) == 10
    with monkeypatch.context() as patch:
        patch.setattr(enrolments, "_end", dies)
        patch.setattr(enrolments, "Entering", dies)
        with pytest.raises(SystemError):
            enrolments.work(world.runtime)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: enrolments.work(world.runtime), range(12)))
    turn(world)
    assert runs(world, flow) == len(people)
    done = row(world, "enrolments", flow)
    assert (done.status, done.seen, done.started, done.skipped) == ("done", 35, 35, {})


def dies(*_given: Any, **_named: Any) -> None:
    raise SystemError


def test_an_enrolment_waits_while_paused_and_stops_for_an_archived_workflow(world: World) -> None:
    world.contacts(2)
    flow = world.workflow(STOP)
    with world.runtime.unit("web", world.workspace_id) as services:
        services(Enrolments).begin(flow, {"all": True})
        services(WorkflowStatus).move(flow, "paused")
    turn(world)
    assert (row(world, "enrolments", flow).status, runs(world, flow)) == ("going", 0)
    with world.runtime.unit("web", world.workspace_id) as services:
        services(WorkflowStatus).move(flow, "archived")
        services.session.execute(text("update enrolments set due_at = now()"))
    turn(world)
    assert row(world, "enrolments", flow).status == "stopped"


@pytest.mark.parametrize(
    "whom", [{}, {"all": False}, {"tag": ""}, {"segment": "x"}, {"all": True, "tag": "x"}, {"tag": 3}]
)
def test_nobody_in_particular_is_refused(world: World, whom: dict[str, Any]) -> None:
    flow = world.workflow(STOP)
    with world.runtime.unit("web", world.workspace_id) as services, pytest.raises(AutoLoopError):
        services(Enrolments).begin(flow, whom)
