"""When things go wrong: workers die, steps hang, handlers fail, tenants crowd, processes race."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from autoloop.base.clock import Clock
from autoloop.base.runtime import Runtime
from autoloop.engine import routing
from autoloop.engine.advance import PROBE, poison, worker
from autoloop.engine.advance.worker import Advancer
from autoloop.engine.services.runs import Runs
from autoloop.plugins import DecisionStep, Next, WaitUntil
from autoloop.settings import Settings
from tests.factories import Tenant, make_tenant
from tests.functional.deadly import Deadly
from tests.functional.engine_world import World, engine_only
from tests.functional.mail_world import until
from tests.unit.engine.graphs import TEMPLATE, graph


class Spin(DecisionStep):
    """Waits no time, for ever."""

    name, title, suspends = "spin", "Spin", True

    def run(self, ctx: Any, config: Any) -> Any:
        return Next() if ctx.resumed else WaitUntil(ctx.now)


def fresh(settings: Settings) -> Runtime:
    runtime = engine_only(settings)
    runtime.registrations.plugins.add("step", Deadly)
    runtime.registrations.plugins.add("step", Spin)
    return runtime


@pytest.fixture(scope="module")
def runtime(settings: Settings) -> Iterator[Runtime]:
    held = fresh(settings)
    yield held
    held.dispose()


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> Iterator[World]:
    runtime.clock = Clock()
    made = World(runtime, tenant.id)
    yield made
    with runtime.unit("worker") as services:  # one module shares a database: leave nothing due
        services.session.execute(
            text(
                "update workflow_runs set due_at = null, status = 'waiting' where ended_at is null and status in ('active', 'waiting')"
            )
        )
        services.session.execute(text("delete from run_batches"))


def die(settings: Settings) -> None:
    runtime = fresh(settings)
    advancer = Advancer(runtime)
    while advancer.turn():
        pass


def killed(settings: Settings) -> int | None:
    child = multiprocessing.get_context("fork").Process(target=die, args=(settings,))
    child.start()
    child.join(60)
    return child.exitcode


def swept(world: World) -> bool:
    """PostgreSQL lets go of what a dead worker held once it notices: until then there is nothing to take up."""
    poison.recover(world.runtime)
    with world.runtime.unit("worker") as services:
        return not services.session.execute(text("select count(*) from run_batches")).scalar()


def test_a_run_that_kills_its_workers_is_found_out(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poison, "OLD", "interval '0 seconds'")
    good = world.contacts(20)
    (bad,) = world.contacts(1, title="kill")
    flow = world.workflow(graph(("d", "deadly", {})))
    world.enrol(flow, [*good, bad])
    with world.runtime.unit("web", world.workspace_id) as services:
        runs = {
            run.contact_id: run.id
            for run in services.session.execute(services(Runs).query({"workflow_id": str(flow)}))
        }
    world.runtime.dispose()
    deaths = 0
    while world.run(runs[bad]).status != "quarantined":
        assert killed(settings) == -signal.SIGKILL
        deaths += 1
        until(partial(swept, world))
        assert deaths <= 8
    assert deaths == 5
    assert killed(settings) == 0
    assert Counter(world.run(runs[each]).status for each in good) == {"completed": 20}
    assert all(world.path(runs[each]) == ["d:next"] for each in good)
    assert world.path(runs[bad]) == [":quarantined"]
    with world.runtime.unit("worker") as services:
        assert services.session.execute(text("select count(*) from run_batches")).scalar() == 0


def test_a_step_that_hangs_stops_nobody_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "BATCH_SECONDS", 1.5)
    good = world.contacts(3)
    (bad,) = world.contacts(1, title="hang")
    flow = world.workflow(graph(("d", "deadly", {})))
    started = world.enrol(flow, [*good, bad]).started
    Advancer(world.runtime).turn()
    held = {world.run(run).contact_id: world.run(run) for run in started}
    assert all(held[each].status == "completed" for each in good)
    assert held[bad].attempts >= 1 and set(world.path(held[bad].id)) == {":error"}


def test_an_error_in_a_batch_is_one_runs_error(world: World) -> None:
    people = world.contacts(9)
    flow = world.workflow(graph(("m", "send_email", {"template_id": TEMPLATE})))
    started = world.enrol(flow, people).started
    taken: list[UUID] = []

    def picky(services: Any, requests: Any) -> None:
        if any(request.contact_id == people[4] for request in requests):
            raise ValueError("this one never")
        taken.extend(request.contact_id for request in requests)

    world.runtime.registrations.effect_handlers["send_email"] = picky
    Advancer(world.runtime).turn()
    assert sorted(taken) == sorted({*people} - {people[4]})
    (bad,) = [run for run in map(world.run, started) if run.contact_id == people[4]]
    assert bad.attempts >= 1 and set(world.path(bad.id)) == {":error"}
    assert world.count("run_waits") == 8
    World.__post_init__(world)


def test_turns_by_workspace(world: World, runtime: Runtime) -> None:
    crowd = world.workflow(graph(("s", "spin", {}), edges="s>s", start="s"))
    world.enrol(crowd, world.contacts(300))
    small = World(runtime, make_tenant(runtime).id)
    few = small.enrol(small.workflow(graph(("z", "stop", {}))), small.contacts(5)).started
    advancer = Advancer(runtime)
    advancer.turn()
    advancer.turn()
    assert [small.run(run).status for run in few] == ["stopped"] * 5


def test_two_workers_never_hold_the_same_run(world: World, settings: Settings) -> None:
    flow = world.workflow(graph(("s", "spin", {}), ("t", "spin", {}), ("u", "spin", {}), edges="s>t t>u"))
    runs = world.enrol(flow, world.contacts(200)).started
    runtimes = [fresh(settings) for _ in range(3)]

    def drain(runtime: Runtime) -> None:
        advancer = Advancer(runtime)
        advancer.by_turns.size = advancer.least = 20
        idle = 0
        while idle < 5:
            idle = 0 if advancer.turn() else idle + 1

    threads = [threading.Thread(target=drain, args=(each,)) for each in runtimes]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    [each.dispose() for each in runtimes]
    assert {tuple(world.path(run)) for run in runs} == {("s:next", "t:next", "u:next")}


def test_a_wait_made_while_its_event_is_routed_is_woken(world: World) -> None:
    (ada,) = world.contacts()
    flow = world.workflow(graph(("w", "wait_for_event", {"event": "order.paid"})))
    (run,) = world.enrol(flow, [ada]).started
    advancer = Advancer(world.runtime)
    reached, go = threading.Event(), threading.Event()
    write = advancer.write

    def before(*args: Any) -> Any:  # the wait is decided, its look-back not yet made, nothing committed
        reached.set()
        go.wait(10)
        return write(*args)

    advancer.write = before  # type: ignore[method-assign]
    first = threading.Thread(target=advancer.turn)
    first.start()
    assert reached.wait(10)
    world.happen("order.paid", ada)
    second = threading.Thread(target=routing.work, args=(world.runtime,))
    second.start()
    until = time.monotonic() + 10
    while not blocked(world) and time.monotonic() < until:
        time.sleep(0.01)
    assert blocked(world), "routing did not wait for the run"
    go.set()
    first.join(10)
    second.join(10)
    world.settle()
    assert world.path(run) == ["w:next"]


def blocked(world: World) -> bool:
    with world.runtime.unit("worker") as services:
        waiting = "select exists (select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database())"
        return bool(services.session.execute(text(waiting)).scalar())


def test_claims_and_probes_are_index_look_ups(world: World) -> None:
    flow = world.workflow(graph(("w", "wait", {"amount": 1})))
    world.enrol(flow, world.contacts(1500))
    advancer = Advancer(world.runtime)
    while advancer.turn():
        pass
    from autoloop.engine.advance import claim, write

    with world.runtime.unit("worker") as services:
        explain = services.session.connection().exec_driver_sql
        values = {"start": claim.NIL, "now": None, "tenants": claim.ids([str(world.workspace_id)])}

        def plan(sql: str, **more: Any) -> str:
            return "\n".join(row[0] for row in explain(f"explain {sql}", values | more))

        assert "Seq Scan on workflow_runs" not in plan(claim.TENANTS.format(batch=100))
        assert "Seq Scan on workflow_runs" not in plan(claim.CLAIM.format(share=100))
        assert "Seq Scan on workflow_runs" not in "\n".join(row[0] for row in explain(f"explain {PROBE}"))
        assert "Seq Scan on workflow_runs" not in plan(write.UPDATE_RUNS, rows="[]")
