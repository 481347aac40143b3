"""How runs begin, and how exit rules end them: events, triggers, re-entry."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from autoloop.base.clock import Clock
from autoloop.base.runtime import Runtime
from autoloop.settings import Settings
from tests.factories import Tenant
from tests.functional.engine_world import World, engine_only
from tests.unit.engine.graphs import TEMPLATE, graph

SEGMENT = "01890000-0000-7000-8000-0000000000aa"


@pytest.fixture(scope="module")
def runtime(settings: Settings) -> Iterator[Runtime]:
    held = engine_only(settings)
    yield held
    held.dispose()


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> World:
    runtime.clock = Clock()
    return World(runtime, tenant.id)


@pytest.mark.parametrize(
    ("rule", "name", "data", "ends"),
    [
        ("replied", "email.replied", {}, True),
        ("replied", "email.opened", {}, False),
        ({"event": "order.paid"}, "order.paid", {"amount": 1}, True),
        ({"event": "order.paid", "match": {"plan": "pro"}}, "order.paid", {"plan": "pro"}, True),
        ({"event": "order.paid", "match": {"plan": "pro"}}, "order.paid", {"plan": "free"}, False),
        ({"left_segment": SEGMENT}, "segment.left", {"segment_id": SEGMENT}, True),
        ({"left_segment": SEGMENT}, "segment.left", {"segment_id": "another"}, False),
    ],
)
def test_exit_rules_stop_a_run_at_once_even_while_its_mail_is_queued(
    world: World, rule: Any, name: str, data: dict[str, Any], ends: bool
) -> None:
    (ada,) = world.contacts()
    flow = world.workflow(graph(("m", "send_email", {"template_id": TEMPLATE}), exit_rules=[rule]))
    (run,) = world.enrol(flow, [ada]).started
    world.settle()
    assert len(world.mails) == 1
    world.happen(name, ada, data)
    world.settle()
    assert (world.run(run).status, run in world.ended) == (("stopped", True) if ends else ("waiting", False))


@pytest.mark.parametrize(
    ("rule", "runs"), [("once", 1), ("not_active", 1), ({"after_days": 3}, 1), ("always", 8)]
)
def test_doors_that_many_knock_at_together_keep_the_re_entry_rule(world: World, rule: Any, runs: int) -> None:
    people = world.contacts(20)
    flow = world.workflow(graph(("w", "wait", {"amount": 5}), reentry=rule))
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: len(world.enrol(flow, people).started), range(8)))
    assert sum(made) == runs * 20
    assert world.count("workflow_runs", f"workflow_id = '{flow}'") == runs * 20


def test_a_trigger_with_a_condition_starts_runs_of_events_that_meet_it(world: World) -> None:
    ada, bob = world.contacts(2)
    large = {"field": "event.data.amount", "op": "gt", "value": 100}
    flow = world.workflow(graph(("s", "stop", {})), ("event", {"event": "order.paid", "condition": large}))
    world.happen("order.paid", ada, {"amount": 99})
    world.happen("order.paid", bob, {"amount": 101})
    world.happen("order.paid", bob, {"amount": "much"})
    world.settle()
    assert world.count("workflow_runs", f"workflow_id = '{flow}'") == 1
    assert world.count("workflow_runs", f"contact_id = '{bob}'") == 1
