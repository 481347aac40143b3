"""Performing actions: held while paused, dropped when nobody waits, with credentials only where named."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import colander
import pytest
from sqlalchemy import text

from autoloop.base.nudges import Nudger
from autoloop.base.runtime import Runtime
from autoloop.embedded.redis import Redis
from autoloop.engine.perform import Performer
from autoloop.engine.services.runs import Runs
from autoloop.engine.services.workflows import WorkflowStatus
from autoloop.plugins import ActionContext, ActionStep, Next, Retry
from autoloop.settings import Settings
from tests.factories import Tenant, make_tenant
from tests.functional.engine_world import World, engine_only
from tests.unit.engine.graphs import graph

CREDENTIAL = "01890000-0000-7000-8000-00000000000c"
OTHER = "01890000-0000-7000-8000-00000000000d"


class Tell(ActionStep):
    """Notes what it was given."""

    name, title = "tell", "Tell"
    seen: list[ActionContext] = []

    class Config(colander.MappingSchema):
        credential_id = colander.SchemaNode(
            colander.String(), missing=None, ui={"widget": "credential"}, title="Credential"
        )

    def run(self, ctx: ActionContext, config: Mapping[str, Any]) -> Next:
        self.seen.append(ctx)
        return Next()


class Hang(ActionStep):
    """Never ends by itself."""

    name, title = "hang", "Hang"
    time_limit = 0.2
    free = threading.Event()

    def run(self, ctx: ActionContext, config: Mapping[str, Any]) -> Next:
        self.free.wait()
        return Next()


class Once(ActionStep):
    """Tells the world something that it would take for new each time."""

    name, title = "once", "Once"
    once, time_limit = True, 90.0
    calls: list[int] = []
    begun, free = threading.Event(), threading.Event()

    def run(self, ctx: ActionContext, config: Mapping[str, Any]) -> Next:
        self.calls.append(ctx.attempt)
        self.begun.set()
        self.free.wait(60)
        return Next()


class Slow(ActionStep):
    """Takes its time, as other systems do."""

    name, title = "slow", "Slow"
    begun, free = threading.Event(), threading.Event()

    def run(self, ctx: ActionContext, config: Mapping[str, Any]) -> Next:
        self.begun.set()
        self.free.wait(60)
        return Next()


class Odd(ActionStep):
    """Answers what it should not."""

    name, title = "odd", "Odd"
    answers: dict[str, Any] = {
        "number": Retry(5, "soon"),  # type: ignore[arg-type]
        "nothing": Retry(timedelta(0), None),  # type: ignore[arg-type]
        "half a sign": Retry(timedelta(0), "\ud800"),
        "none": None,
        "exit": None,
    }

    class Config(colander.MappingSchema):
        answer = colander.SchemaNode(colander.String())

    def run(self, ctx: ActionContext, config: Mapping[str, Any]) -> Any:
        if config["answer"] == "exit":
            sys.exit(3)
        return self.answers[config["answer"]]


@pytest.fixture(scope="module")
def runtime(settings: Settings) -> Iterator[Runtime]:
    held = engine_only(replace(settings, worker_threads=2))
    for step in (Tell, Hang, Slow, Once, Odd):
        held.registrations.plugins.add("step", step)
    yield held
    Hang.free.set()
    held.dispose()


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> World:
    Tell.seen.clear()
    return World(runtime, tenant.id)


def asked(world: World, config: dict[str, Any] | None = None) -> tuple[Any, Any]:
    """A run whose action is due and not performed yet."""
    (ada,) = world.contacts()
    flow = world.workflow(graph(("t", "tell", config or {})))
    (run,) = world.enrol(flow, [ada]).started
    world.runtime.registrations.due_kinds["advance"].work(world.runtime)
    assert world.count("run_actions", f"run_id = '{run}'") == 1
    return flow, run


def cancel(world: World, *runs: Any) -> None:
    """Nothing is left for the tests after this one to perform."""
    with world.runtime.unit("web", world.workspace_id) as services:
        services(Runs).cancel(runs)


@pytest.mark.parametrize("answer", sorted(Odd.answers))
def test_an_odd_answer_costs_no_other_action_its_own(world: World, answer: str) -> None:
    (ada,) = world.contacts()
    odd = world.workflow(graph(("o", "odd", {"answer": answer})))
    tell = world.workflow(graph(("t", "tell", {})))
    (strange,), (plain,) = world.enrol(odd, [ada]).started, world.enrol(tell, [ada]).started
    world.settle()
    assert world.run(plain).status == "completed" and len(Tell.seen) == 1
    run = world.run(strange)
    if run.status == "waiting":  # it is tried again
        assert answer in ("nothing", "half a sign", "exit")
        assert (
            world.count("run_actions", f"run_id = '{strange}' and attempts > 0 and lease_until is null") == 1
        )
        cancel(world, strange)
    else:
        assert run.status == "failed" and run.reason


@pytest.mark.parametrize("what", ["run", "workflow"])
def test_what_is_paused_is_performed_when_it_goes_on(world: World, what: str) -> None:
    flow, run = asked(world)

    def move(verb: str) -> None:
        with world.runtime.unit("web", world.workspace_id) as services:
            if what == "run":
                getattr(services(Runs), verb)([run])
            else:
                services(WorkflowStatus).move(flow, {"pause": "paused", "resume": "live"}[verb])

    move("pause")
    world.settle()
    assert Tell.seen == []
    assert world.count("run_actions", "attempts = 0 and lease_until is null and due_at > now()") == 1
    move("resume")
    world.settle()
    assert len(Tell.seen) == 1 and Tell.seen[0].attempt == 1
    assert world.run(run).status == "completed"


@pytest.mark.parametrize("what", ["pause", "workflow", "cancel", "exit"])
def test_nothing_is_done_for_a_run_that_is_held_or_left_in_the_last_moment(world: World, what: str) -> None:
    (ada,) = world.contacts()
    steps = graph(("t", "tell", {"credential_id": CREDENTIAL}), exit_rules=["unsubscribed"])
    flow = world.workflow(steps)
    (run,) = world.enrol(flow, [ada]).started
    world.runtime.registrations.due_kinds["advance"].work(world.runtime)

    def meanwhile(services: Any, keys: Any) -> dict[Any, Any]:
        """Perform has claimed and loaded the action, and makes it ready."""
        with world.runtime.unit("web", world.workspace_id) as other:
            if what == "workflow":
                other(WorkflowStatus).move(flow, "paused")
            elif what != "exit":
                getattr(other(Runs), what)([run])
        if what == "exit":
            world.happen("email.unsubscribed", ada)
            world.runtime.registrations.due_kinds["route"].work(world.runtime)
        return {}

    world.runtime.registrations.fact_loaders["credentials"] = meanwhile
    try:
        assert Performer(world.runtime).turn() == 1
    finally:
        del world.runtime.registrations.fact_loaders["credentials"]
    assert Tell.seen == []
    kept = 0 if what == "cancel" else 1
    assert world.count("run_actions", "attempts = 0 and lease_until is null") == kept
    if what == "exit":
        world.settle()
        assert (world.run(run).status, world.run(run).reason) == ("stopped", "email.unsubscribed")
    cancel(world, run)


def test_what_nobody_waits_for_is_dropped(world: World) -> None:
    flow, _ = asked(world)
    with world.runtime.unit("web", world.workspace_id) as services:
        services(WorkflowStatus).move(flow, "archived")
    Performer(world.runtime).turn()
    assert Tell.seen == [] and world.count("run_actions") == world.count("run_stimuli") == 0


def test_only_named_credentials_are_granted(world: World) -> None:
    wanted: list[Any] = []

    def load(services: Any, keys: Any) -> dict[Any, Any]:
        wanted.extend(keys)
        return {key: {"token": "t"} for key in keys}

    world.runtime.registrations.fact_loaders["credentials"] = load
    try:
        asked(world, {"credential_id": CREDENTIAL})
        world.settle()
        asked(world)
        world.settle()
    finally:
        del world.runtime.registrations.fact_loaders["credentials"]
    named, unnamed = Tell.seen
    assert named.credentials == {CREDENTIAL: {"token": "t"}} and unnamed.credentials == {}
    assert [str(id) for _, id in wanted] == [CREDENTIAL]


def test_a_process_whose_threads_are_held_is_replaced(world: World) -> None:
    contacts = world.contacts(2)
    flow = world.workflow(graph(("h", "hang", {})))
    held = world.enrol(flow, contacts).started
    world.runtime.registrations.due_kinds["advance"].work(world.runtime)
    left: list[float] = []
    performer = Performer(world.runtime, replace=lambda: left.append(time.monotonic()))
    assert performer.turn() == 2 and not left
    assert world.count("run_actions", "last_error like 'timeout%'") == 2
    with world.runtime.unit("worker") as services:
        services.session.execute(text("update run_actions set due_at = now()"))
    assert performer.turn() == 0 and len(left) == 1
    assert world.count("run_actions", "attempts = 1") == 2
    Hang.free.set()
    cancel(world, *held)
    world.settle()


def test_a_slow_call_keeps_its_worker_from_nothing(world: World) -> None:
    (slow,) = world.enrol(world.workflow(graph(("s", "slow", {}))), world.contacts()).started
    world.runtime.registrations.due_kinds["advance"].work(world.runtime)
    performer = Performer(world.runtime)
    began = time.monotonic()
    assert performer.turn() == 1
    assert time.monotonic() - began < 10 and Slow.begun.is_set()
    flow = world.workflow(graph(("t", "tell", {})))
    (quick,) = world.enrol(flow, world.contacts()).started
    world.runtime.registrations.due_kinds["advance"].work(world.runtime)
    assert performer.turn() == 1 and len(Tell.seen) == 1  # by the other thread
    world.enrol(world.workflow(graph(("s", "slow", {}))), world.contacts(2))
    world.runtime.registrations.due_kinds["advance"].work(world.runtime)
    assert performer.turn() == 1 and performer.turn() == 0  # no thread is free, and nothing is claimed
    assert world.count("run_actions", "lease_until is null") == 1
    Slow.free.set()
    world.runtime.finish()
    world.settle()
    assert world.run(slow).status == world.run(quick).status == "completed"
    assert world.count("run_actions") == 0


def test_workspaces_take_turns_however_few_threads_are_free(runtime: Runtime, world: World) -> None:
    worlds = [world, *(World(runtime, make_tenant(runtime).id) for _ in range(2))]
    for each, calls in zip(worlds, (5, 5, 1), strict=True):
        each.enrol(each.workflow(graph(("t", "tell", {}))), each.contacts(calls))
        runtime.registrations.due_kinds["advance"].work(runtime)
    performer = Performer(runtime)
    performer.threads = 1
    for _ in range(3):
        assert performer.turn() == 1
    assert {each.workspace_id for each in Tell.seen} == {str(each.workspace_id) for each in worlds}
    world.settle()
    assert len(Tell.seen) == 11


def test_what_must_not_be_begun_twice_is_unknown_where_its_worker_stopped(world: World) -> None:
    flow = world.workflow(graph(("o", "once", {})))
    (run,) = world.enrol(flow, world.contacts()).started
    world.runtime.registrations.due_kinds["advance"].work(world.runtime)

    def perform() -> None:
        while not Once.begun.is_set():
            Performer(world.runtime).turn()

    stopped = threading.Thread(target=perform)
    stopped.start()
    assert Once.begun.wait(60)
    with world.runtime.unit("worker") as services:  # it is stopped for so long that its lease runs out
        lapse = text("update run_actions set due_at = now(), lease_until = now() where run_id = :run")
        services.session.execute(lapse, {"run": run})
    while world.count("run_actions"):
        Performer(world.runtime).turn()
    Once.free.set()
    stopped.join(60)
    world.settle()
    assert Once.calls == [1]
    assert world.path(run) == ["o:failed"] and "nobody can say" in (world.run(run).reason or "")


WORKER = """
import os, sys
from types import SimpleNamespace
from autoloop.base.due import DueKind
from autoloop.base.nudges import Nudger
from autoloop.base.registrations import Registrations
from autoloop.base.tasks import run_worker
from autoloop.cli.family import Family
from autoloop.engine.perform.performer import leave

def work(runtime):
    import threading
    with open(sys.argv[2], "a") as seen:
        seen.write(f"{os.getpid()}\\n")
    if len(open(sys.argv[2]).readlines()) == 1:
        threading.Thread(target=threading.Event().wait).start()  # a step that never ends
        leave()
    return 0

def make_runtime():
    registrations = Registrations()
    registrations.due_kinds["hang"] = DueKind("hang", "select false", work)
    return SimpleNamespace(
        registrations=registrations, nudger=Nudger(sys.argv[1]), nudge=print, dispose=lambda: None
    )

Family({"worker": lambda: run_worker(make_runtime())}).run()
"""


def test_a_worker_that_left_is_started_again(redis: Redis, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    worker = subprocess.Popen([sys.executable, "-W", "ignore", "-c", WORKER, redis.broker_url, str(seen)])
    nudger = Nudger(redis.broker_url)
    try:
        deadline = time.monotonic() + 60
        pids: list[str] = []
        while len(set(pids)) < 2 and time.monotonic() < deadline and worker.poll() is None:
            nudger.nudge("hang")
            time.sleep(0.2)  # nudges of one kind are coalesced for a moment
            pids = seen.read_text().split() if seen.exists() else []
        assert len(set(pids)) == 2, f"the worker ended as {worker.poll()}" if worker.poll() else pids
        assert str(worker.pid) not in pids
    finally:
        worker.terminate()
        worker.wait(30)
        nudger.close()
