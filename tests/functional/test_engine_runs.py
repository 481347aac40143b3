"""Runs through the real tables: every step, event, effect and end."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from autoloop.base.errors import Conflict
from autoloop.base.ids import id_floor
from autoloop.base.runtime import Runtime
from autoloop.engine import blocked
from autoloop.engine.advance import Advancer
from autoloop.engine.services.runs import Runs
from autoloop.engine.services.workflows import WorkflowStatus
from autoloop.engine.turns import MOST_TAKEN
from autoloop.settings import Settings
from tests.factories import Tenant
from tests.functional.engine_world import World, engine_only
from tests.unit.engine.graphs import TEMPLATE, graph

MAIL = {"template_id": TEMPLATE}


@pytest.fixture(scope="module")
def runtime(settings: Settings) -> Iterator[Runtime]:
    held = engine_only(settings)
    yield held
    held.dispose()


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> World:
    from autoloop.base.clock import Clock

    runtime.clock = Clock()
    return World(runtime, tenant.id)


SEQUENCE = graph(
    ("mail", "send_email", MAIL),
    ("reply", "wait_for_event", {"event": "email.replied", "timeout": {"amount": 2, "unit": "days"}}),
    ("happy", "add_tag", {"tag": "replied"}),
    ("opened", "branch", {"condition": {"email": "opened"}}),
    ("keen", "update_contact", {"set": [{"field": "title", "value": "keen"}]}),
    ("again", "send_email", MAIL),
    ("end", "stop", {"reason": "no answer"}),
    edges="mail:sent>reply reply>happy reply:timeout>opened opened:yes>keen opened:no>end keen>again",
)


def test_a_sequence_from_start_to_each_end(world: World) -> None:
    ada, bob, cem = world.contacts(3)
    flow = world.workflow(SEQUENCE)
    made = world.enrol(flow, [ada, bob, cem])
    world.settle()
    assert len(world.mails) == 3
    runs = {mail.contact_id: mail.run_id for mail in world.mails}
    world.answer()
    world.settle()
    world.happen("email.replied", ada, {"run_id": str(runs[ada])})
    world.happen("email.replied", bob, {"run_id": "of another run"})
    world.happen("email.opened", bob, {"run_id": str(runs[bob])})
    world.settle()
    assert world.path(runs[ada]) == ["mail:sent", "reply:next", "happy:next"]
    assert world.run(runs[ada]).status == "completed"
    assert world.run(runs[bob]).status == "waiting"
    world.later(days=2, seconds=1)
    assert world.path(runs[bob]) == ["mail:sent", "reply:timeout", "opened:yes", "keen:next"]
    assert [mail.node for mail in world.mails] == ["again"]
    assert (world.run(runs[cem]).status, world.run(runs[cem]).reason) == ("stopped", "no answer")
    world.answer("skipped")
    world.settle()
    assert world.run(runs[bob]).status == "completed"
    assert world.count("business_contacts", "tags @> array['replied'] and title = ''") == 1
    assert world.count("business_contacts", "title = 'keen'") == 1
    assert len(made.started) == 3


def test_an_event_faster_than_the_run_is_not_lost(world: World) -> None:
    (ada,) = world.contacts()
    flow = world.workflow(
        graph(("m", "send_email", MAIL), ("w", "wait_for_event", {"event": "order.paid"}), edges="m:sent>w")
    )
    (run,) = world.enrol(flow, [ada]).started
    world.settle()
    world.happen("order.paid", ada, {"sum": 3})
    world.settle()  # routed while nobody waits for it
    assert world.run(run).status == "waiting"
    world.answer()
    world.settle()
    assert world.path(run) == ["m:sent", "w:next"] and world.run(run).status == "completed"


def test_what_follows_a_wait_that_fails_at_once_knows_the_contact(world: World) -> None:
    (ada,) = world.contacts(tags=["vip"])
    drawing = graph(
        ("mail", "send_email", MAIL | {"variables": [{"name": "n", "value": "{{ 1 | divided_by: 0 }}"}]}),
        ("vip", "branch", {"condition": {"field": "contact.tags", "op": "has", "value": "vip"}}),
        edges="mail:error>vip",
    )
    (run,) = world.enrol(world.workflow(drawing), [ada]).started
    world.settle()
    assert world.path(run) == ["mail:error", "vip:yes"]


def test_an_event_ends_one_wait_of_a_branch(world: World) -> None:
    (ada,) = world.contacts()
    drawing = graph(
        ("mail", "send_email", MAIL),
        ("paid", "wait_for_event", {"event": "order.paid"}),
        ("tag", "add_tag", {"tag": "buyer"}),
        edges="mail:sent>paid paid>tag tag>paid",
    )
    (run,) = world.enrol(world.workflow(drawing), [ada]).started
    world.settle()
    for order in range(2):  # both faster than the run
        world.happen("order.paid", ada, {"order": order})
    world.answer()
    world.settle()
    assert world.path(run) == ["mail:sent", *["paid:next", "tag:next"] * 2]
    for order in range(2, MOST_TAKEN + 4):
        world.happen("order.paid", ada, {"order": order})
        world.settle()
    assert world.path(run) == ["mail:sent", *["paid:next", "tag:next"] * (MOST_TAKEN + 4)]
    assert world.run(run).status == "waiting"


def test_a_wait_is_for_what_the_run_is_about(world: World) -> None:
    (ada,) = world.contacts()
    own = {"event": "order.paid", "match": {"order": "{{ event.data.order }}"}}
    drawing = graph(("paid", "wait_for_event", own), reentry="always")
    world.workflow(drawing, ("event", {"event": "order.placed"}))
    for order in (7, 8):
        world.happen("order.placed", ada, {"order": order})
        world.settle()
    world.happen("order.paid", ada, {"order": 7})
    world.settle()
    assert (
        world.count("workflow_runs", "status = 'completed' and variables->'event'->'data'->>'order' = '7'")
        == 1
    )
    assert (
        world.count("workflow_runs", "status = 'waiting' and variables->'event'->'data'->>'order' = '8'") == 1
    )


def test_what_started_a_run_ends_none_of_its_waits(world: World) -> None:
    """However far the clock of who takes an event is ahead."""
    (ada,) = world.contacts()
    drawing = graph(("again", "wait_for_event", {"event": "order.paid"}), reentry="not_active")
    world.workflow(drawing, ("event", {"event": "order.paid"}))
    world.happen("order.paid", ada, id=id_floor(datetime.now(UTC) + timedelta(minutes=1)))
    world.settle()
    assert world.count("workflow_runs", "status = 'waiting'") == 1
    world.happen("order.paid", ada)
    world.settle()
    assert world.count("workflow_runs", "status = 'completed'") == 1


@pytest.mark.parametrize("ends", ["by itself", "cancelled"])
def test_the_end_of_another_workflow_is_waited_for(world: World, ends: str) -> None:
    (ada,) = world.contacts()
    other = world.workflow(graph(("pause", "wait", {"amount": 1})))
    own = {"event": "workflow.finished", "match": {"workflow_id": str(other)}}
    (waiting,) = world.enrol(world.workflow(graph(("done", "wait_for_event", own))), [ada]).started
    (first,) = world.enrol(other, [ada]).started
    world.settle()
    if ends == "cancelled":
        with world.runtime.unit("web", world.workspace_id) as services:
            services(Runs).cancel([first])
    else:
        world.later(days=1, seconds=1)
    world.settle()
    assert world.path(waiting) == ["done:next"]


def test_an_event_ends_the_waits_of_all_branches(world: World) -> None:
    (ada,) = world.contacts()
    drawing = graph(
        ("mail", "send_email", MAIL),
        ("now", "wait_for_event", {"event": "order.paid"}),
        ("pause", "wait", {"amount": 1}),
        ("then", "wait_for_event", {"event": "order.paid"}),
        edges="mail:sent>now mail:sent>pause pause>then",
    )
    (run,) = world.enrol(world.workflow(drawing), [ada]).started
    world.settle()
    world.answer()
    world.settle()
    world.happen("order.paid", ada)
    world.settle()
    world.later(days=1, seconds=1)
    assert world.path(run) == ["mail:sent", "now:next", "pause:next", "then:next"]


def test_events_start_runs_once_each(world: World) -> None:
    ada, bob = world.contacts(2)
    flow = world.workflow(
        graph(
            ("t", "add_tag", {"tag": "buyer"}), ("w", "wait", {"amount": 1}), edges="t>w", reentry="always"
        ),
        ("event", {"event": "order.paid", "match": {"big": True}}),
    )
    once = world.workflow(graph(("s", "stop", {})), ("event", {"event": "order.paid"}))
    for number in (1, 1, 2):
        world.happen("order.paid", ada, {"big": True}, source="shop", source_id=str(number))
    world.happen("order.paid", bob, {"big": False}, source="shop", source_id="3")
    world.settle()
    assert world.count("workflow_runs", f"workflow_id = '{flow}'") == 2
    assert world.count("workflow_runs", f"workflow_id = '{once}'") == 2
    assert world.count("workflow_runs", "variables -> 'event' ->> 'name' = 'order.paid'") == 4
    assert world.count("events", "pending") == 0


@pytest.mark.parametrize(
    ("rule", "again"), [("once", 0), ("always", 1), ("not_active", 1), ({"after_days": 3}, 0)]
)
def test_reentry(world: World, rule: Any, again: int) -> None:
    (ada,) = world.contacts()
    flow = world.workflow(graph(("s", "stop", {}), reentry=rule))
    assert len(world.enrol(flow, [ada]).started) == 1
    if rule == "not_active":
        assert world.enrol(flow, [ada]).skipped == {"is_in_it_now": 1}
    world.settle()
    assert len(world.enrol(flow, [ada]).started) == again
    world.later(days=4)
    assert len(world.enrol(flow, [ada]).started) == (0 if rule == "once" else 1)


def test_a_key_enters_once(world: World) -> None:
    people = world.contacts(3)
    flow = world.workflow(graph(("s", "stop", {}), reentry="always"))
    assert len(world.enrol(flow, people, entry_key="k").started) == 3
    assert world.enrol(flow, people, entry_key="k").skipped == {"was_here_before": 3}


def test_exit_rules_stop_a_run_that_waits_for_its_mail(world: World) -> None:
    (ada,) = world.contacts()
    flow = world.workflow(graph(("m", "send_email", MAIL), exit_rules=["unsubscribed"]))
    (run,) = world.enrol(flow, [ada]).started
    world.settle()
    world.happen("email.unsubscribed", ada)
    world.settle()
    assert (world.run(run).status, world.run(run).reason, world.ended) == (
        "stopped",
        "email.unsubscribed",
        [run],
    )
    world.answer()
    world.settle()
    assert world.path(run)[-1] == "m:late"


def test_pausing_keeps_what_comes_and_archiving_ends(world: World) -> None:
    ada, bob = world.contacts(2)
    flow = world.workflow(
        graph(("e", "wait_for_event", {"event": "order.paid"}), ("w", "wait", {"amount": 1}), edges="e>w")
    )
    first, second = world.enrol(flow, [ada, bob]).started
    world.settle()
    status(world, flow, "paused")
    with pytest.raises(Conflict):
        world.enrol(flow, [ada])
    world.happen("order.paid", ada)
    world.settle()
    held = world.run(first) if world.run(first).contact_id == ada else world.run(second)
    assert held.status == "paused" and world.count("run_stimuli", "parked") == 1
    status(world, flow, "live")
    world.settle()
    assert world.path(held.id) == ["e:next"]
    status(world, flow, "archived")
    world.settle()
    assert {world.run(first).status, world.run(second).status} == {"cancelled"}
    assert world.count("run_waits") == 0


def status(world: World, flow: Any, to: str) -> None:
    with world.runtime.unit("web", world.workspace_id) as services:
        services(WorkflowStatus).move(flow, to)


def test_people_cancel_pause_and_resume(world: World) -> None:
    people = world.contacts(3)
    flow = world.workflow(graph(("m", "send_email", MAIL)))
    runs = world.enrol(flow, people).started
    world.settle()
    with world.runtime.unit("web", world.workspace_id) as services:
        service = services(Runs)
        assert service.cancel(runs[:1]) == runs[:1] and service.cancel(runs[:1]) == []
        assert service.pause(runs[1:2]) == runs[1:2]
    world.answer()
    world.settle()
    assert [world.run(run).status for run in runs] == ["cancelled", "paused", "completed"]
    with world.runtime.unit("web", world.workspace_id) as services:
        assert services(Runs).resume(runs) == runs[1:2]
    world.settle()
    assert world.run(runs[1]).status == "completed" and world.ended == runs[:1]


def test_a_missing_plugin_blocks_and_its_return_frees(world: World) -> None:
    (ada,) = world.contacts()
    flow = world.workflow(
        graph(("w", "wait_for_event", {"event": "a.b"}), ("t", "add_tag", {"tag": "x"}), edges="w>t")
    )
    (run,) = world.enrol(flow, [ada]).started
    world.settle()
    gone = world.runtime.registrations.plugins.steps.pop("add_tag")
    Advancer.of(world.runtime).versions._known.clear()  # as after a restart
    world.happen("a.b", ada)
    world.settle()
    assert world.run(run).status == "blocked" and "add_tag" in str(world.run(run).reason)
    assert blocked.free(world.runtime) == 0 and world.count("run_stimuli", "parked") == 1
    world.runtime.registrations.plugins.steps["add_tag"] = gone
    assert blocked.free(world.runtime) == 1
    Advancer.of(world.runtime).versions._known.clear()
    world.settle()
    assert world.path(run) == ["w:next", "t:next"]


class Listener(BaseHTTPRequestHandler):
    got: list[tuple[str, dict[str, Any]]] = []
    answers: list[int] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.got.append((self.headers["Idempotency-Key"], body))
        self.send_response(self.answers.pop(0) if self.answers else 200)
        self.send_header("Content-Length", "11")
        self.end_headers()
        self.wfile.write(b'{"ok":true}')

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def listener() -> Iterator[str]:
    Listener.got, Listener.answers = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()


def test_an_action_is_performed_and_retried_with_one_key(world: World, listener: str) -> None:
    (ada,) = world.contacts(1, first_name="Ada")
    flow = world.workflow(
        graph(("h", "webhook", {"url": listener}), ("z", "stop", {"reason": "refused"}), edges="h:error>z")
    )
    Listener.answers = [503]
    (run,) = world.enrol(flow, [ada]).started
    world.settle()
    assert len(Listener.got) == 1 and world.count("run_actions", "last_error = 'answered 503'") == 1
    with world.runtime.unit("worker") as services:
        from sqlalchemy import text

        services.session.execute(text("update run_actions set due_at = now()"))
    world.settle()
    (first, body), (second, _) = Listener.got
    assert first == second == f"{run}:h:1" and body["contact"]["first_name"] == "Ada"
    assert world.run(run).status == "completed"
    assert world.run(run).variables["outputs"]["h"] == {"status": 200, "body": {"ok": True}}
    assert world.count("run_actions") == 0


def test_a_stale_fence_writes_nothing(world: World, listener: str) -> None:
    from sqlalchemy import text

    from autoloop.engine.perform import Performer

    (ada,) = world.contacts()
    flow = world.workflow(graph(("h", "webhook", {"url": listener})))
    (run,) = world.enrol(flow, [ada]).started
    world.runtime.registrations.due_kinds["advance"].work(world.runtime)
    performer = Performer(world.runtime)
    prepare = performer._prepare

    def slow(leases: Any) -> Any:
        prepared = prepare(leases)
        with world.runtime.unit("worker") as services:  # meanwhile the lease lapsed and another took it
            services.session.execute(
                text("update run_actions set fence = fence + 1, lease_until = now() - interval '1 s'")
            )
        return prepared

    performer._prepare = slow  # type: ignore[method-assign]
    performer.turn()
    assert world.count("run_stimuli") == 0 and world.count("run_actions") == 1
    performer._prepare = prepare  # type: ignore[method-assign]
    performer.turn()
    world.settle()
    assert world.run(run).status == "completed"
