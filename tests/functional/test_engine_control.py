"""Branches, loops, goals and other workflows through the real tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from autoloop.base.runtime import Runtime
from autoloop.engine.services.runs import Runs
from autoloop.engine.services.workflows import WorkflowStatus
from autoloop.engine.turns import variables_at
from autoloop.settings import Settings
from tests.factories import Tenant
from tests.functional.engine_world import World, engine_only
from tests.unit.engine.graphs import TEMPLATE, graph

MAIL = {"template_id": TEMPLATE}
VIP = {"field": "contact.tags", "op": "has", "value": "vip"}
STOP = ("z", "stop", {"reason": "done"})


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


def start(world: World, drawing: dict[str, Any]) -> UUID:
    run = world.enrol(world.workflow(drawing), world.contacts()).started[0]
    world.settle()
    return run


def children_of(world: World, parent: UUID) -> list[UUID]:
    from sqlalchemy import text

    with world.runtime.unit("worker") as services:
        sql = text("select id from workflow_runs where parent_run_id = :parent order by id")
        return list(services.session.execute(sql, {"parent": parent}).scalars())


def test_branches_meet_again(world: World) -> None:
    steps = (
        ("f", "fork", {}),
        ("m", "send_email", MAIL),
        ("w", "wait", {"amount": 2}),
        ("g", "merge", {}),
        STOP,
    )
    run = start(world, graph(*steps, edges="f:a>m f:b>w m:sent>g w>g g>z"))
    world.answer("sent")
    world.settle()
    assert world.run(run).status == "waiting" and world.run(run).due_at is not None
    world.later(days=2)
    assert world.run(run).reason == "done"
    assert world.path(run) == ["f:a", "f:b", "m:sent", "w:next", "g:merged", "g:next", "z:stopped"]


def test_a_branch_whose_mail_was_skipped_does_not_hold_the_merge(world: World) -> None:
    steps = (
        ("f", "fork", {}),
        ("m", "send_email", MAIL),
        ("t", "add_tag", {"tag": "x"}),
        ("g", "merge", {}),
        STOP,
    )
    run = start(world, graph(*steps, edges="f:a>m f:b>t m:sent>g t>g g>z"))
    world.answer("skipped")
    world.settle()
    assert world.run(run).reason == "done" and world.count("run_waits") == 0


def test_one_mail_per_item(world: World) -> None:
    steps = (("l", "for_each", {"items": ["a", "b", "c"]}), ("m", "send_email", MAIL), STOP)
    run = start(world, graph(*steps, edges="l:item>m m:sent>l l:done>z", start="l"))
    for asked in range(1, 4):
        assert [mail.visit for mail in world.mails] == [asked]
        world.answer("sent")
        world.settle()
    assert world.run(run).reason == "done" and "lists" not in world.run(run).variables


def test_an_event_leads_to_the_goal_from_wherever_the_run_stands(world: World) -> None:
    steps = (
        ("w", "wait", {"amount": 30}),
        ("g", "goal", {"event": "order.paid", "match": {"plan": "pro"}}),
        STOP,
    )
    workflow = world.workflow(graph(*steps, edges="w>g g>z"))
    (contact,) = world.contacts()
    run = world.enrol(workflow, [contact]).started[0]
    world.happen("order.paid", contact, {"plan": "pro"})  # faster than the run's first turn
    world.settle()
    assert world.path(run) == ["w:jumped", "g:next", "z:stopped"]
    assert world.count("run_waits") == 0 and world.count("run_stimuli") == 0


def test_a_tag_given_elsewhere_reaches_a_goal_by_condition(world: World) -> None:
    steps = (("w", "wait", {"amount": 30}), ("g", "goal", {"condition": VIP}), STOP)
    workflow = world.workflow(graph(*steps, edges="w>g g>z"))
    (contact,) = world.contacts()
    run = world.enrol(workflow, [contact]).started[0]
    world.settle()
    assert world.path(run) == [] and world.count("run_waits") == 3
    world.enrol(world.workflow(graph(("t", "add_tag", {"tag": "vip"}))), [contact])
    world.settle()
    assert world.path(run)[:3] == ["w:jumped", "g:next", "z:stopped"] and world.count("run_waits") == 0


def test_what_no_goal_hears_any_more_is_gone_with_the_run(world: World) -> None:
    steps = (("w", "wait", {"amount": 1}), ("g", "goal", {"event": "order.paid"}))
    run = start(world, graph(*steps, edges="w>g"))
    assert world.count("run_waits") == 1
    world.later(days=1)
    assert world.path(run) == ["w:next", "g:unmet"] and world.count("run_waits") == 0


def parent_of(child: UUID, **config: Any) -> dict[str, Any]:
    steps = (("s", "sub_workflow", {"workflow_id": str(child), **config}), STOP)
    return graph(*steps, edges="s>z")


def test_a_parent_waits_for_its_child_and_reads_what_it_gave(world: World) -> None:
    inner = graph(
        ("v", "set_variables", {"set": [{"name": "got", "value": "{{ event.data.n }}"}]}),
        ("w", "wait", {"amount": 1}),
        edges="v>w",
    )
    run = start(world, parent_of(world.workflow(inner), data={"n": 7}))
    (child,) = children_of(world, run)
    assert world.run(child).contact_id == world.run(run).contact_id and world.run(run).status == "waiting"
    world.later(days=1)
    output = world.run(run).variables["outputs"]["s"]
    assert (output["status"], output["variables"], output["run_id"]) == ("completed", {"got": 7}, str(child))
    assert world.path(run) == ["s:next", "z:stopped"]


@pytest.mark.parametrize("how", ["cancelled", "archived", "failed"])
def test_no_parent_waits_for_a_child_that_is_gone(world: World, how: str) -> None:
    workflow = world.workflow(
        graph(("w", "wait", {"amount": 1}), ("l", "for_each", {"items": "{{ contact.email }}"}), edges="w>l")
    )
    run = start(world, parent_of(workflow))
    (child,) = children_of(world, run)
    with world.runtime.unit("web", world.workspace_id) as services:
        if how == "cancelled":
            services(Runs).cancel([child])
        elif how == "archived":
            services(WorkflowStatus).move(workflow, "archived")
    world.settle()
    if how == "failed":
        world.later(days=1)
    assert world.path(run) == ["s:failed"] and world.run(run).status == "completed"
    assert world.run(run).variables["outputs"]["s"]["status"] == (
        "failed" if how == "failed" else "cancelled"
    )


def test_a_deleted_child_lets_its_parent_go_on(world: World) -> None:
    from sqlalchemy import text

    run = start(world, parent_of(world.workflow(graph(("w", "wait", {"amount": 1})))))
    with world.runtime.unit("worker") as services:
        services.session.execute(text("delete from workflow_runs where parent_run_id = :run"), {"run": run})
    world.settle()
    assert world.path(run) == ["s:failed"]


def test_not_waiting_and_not_let_in(world: World) -> None:
    workflow = world.workflow(graph(("w", "wait", {"amount": 1})))
    (contact,) = world.contacts()
    first = world.enrol(world.workflow(parent_of(workflow, wait=False)), [contact]).started[0]
    world.settle()
    assert world.path(first) == ["s:next", "z:stopped"] and len(children_of(world, first)) == 1
    again = world.enrol(world.workflow(parent_of(workflow)), [contact]).started[0]
    nowhere = world.enrol(world.workflow(parent_of(UUID(TEMPLATE))), [contact]).started[0]
    world.settle()
    assert world.path(again) == ["s:skipped"] and world.path(nowhere) == ["s:skipped"]
    assert "before" in world.run(again).variables["outputs"]["s"]["why"]
    world.later(days=1)
    assert world.count("run_stimuli") == 0


def test_two_parents_of_one_contact_each_get_their_own_child(world: World) -> None:
    workflow = world.workflow(graph(("w", "wait", {"amount": 1}), reentry="always"))
    steps = (
        ("f", "fork", {}),
        ("s", "sub_workflow", {"workflow_id": str(workflow)}),
        ("r", "sub_workflow", {"workflow_id": str(workflow)}),
    )
    run = start(world, graph(*steps, edges="f:a>s f:b>r"))
    assert len(children_of(world, run)) == 2
    world.later(days=1)
    assert sorted(world.path(run)[2:]) == ["r:next", "s:next"] and world.run(run).status == "completed"


def test_a_workflow_that_starts_itself_ends(world: World) -> None:
    from sqlalchemy import text

    workflow = world.workflow(graph(("w", "wait", {"amount": 1})))
    own = parent_of(workflow) | {"settings": {"reentry": "always"}}
    looping = world.workflow(own)
    with world.runtime.unit("worker") as services:  # published as starting itself
        sql = (
            "update workflow_versions set graph = cast(replace(cast(graph as text), :a, cast(:b as text)) as jsonb) "
            "where cast(workflow_id as text) = :b"
        )
        services.session.execute(text(sql), {"a": str(workflow), "b": str(looping)})
    world.runtime.clock = type(world.runtime.clock)()
    run = world.enrol(looping, world.contacts()).started[0]
    world.settle()
    assert world.count("workflow_runs") == 11
    assert world.run(run).reason == "done"


@pytest.mark.parametrize("together", [True, False])
def test_a_child_ends_with_its_parent_only_if_told_to(world: World, together: bool) -> None:
    run = start(world, parent_of(world.workflow(graph(("w", "wait", {"amount": 1}))), end_together=together))
    (child,) = children_of(world, run)
    with world.runtime.unit("web", world.workspace_id) as services:
        services(Runs).cancel([run])
    world.settle()
    assert world.run(child).status == ("stopped" if together else "waiting")


def test_ends_are_told_to_workflows_that_listen(world: World) -> None:
    ending = world.workflow(graph(("w", "wait", {"amount": 1})))
    quiet = world.enrol(ending, world.contacts(2)).started
    with world.runtime.unit("web", world.workspace_id) as services:
        services(Runs).cancel(quiet)
    assert world.count("events") == 0, "nobody listens"
    config = {"workflow_id": str(ending), "statuses": ["completed", "cancelled"]}
    next_one = world.workflow(graph(("v", "wait", {"amount": 9})), ("workflow_finished", config))
    runs = world.enrol(ending, world.contacts(3)).started
    with world.runtime.unit("web", world.workspace_id) as services:
        services(Runs).cancel(runs[:1])
    world.settle()
    world.later(days=1)
    assert world.count("events", "name = 'workflow.finished'") == 3
    assert world.count("workflow_runs", f"workflow_id = '{next_one}'") == 3


def test_actions_inside_a_loop_see_their_item(world: World) -> None:
    steps = (("l", "for_each", {"items": ["a", "b"]}), ("h", "webhook", {"url": "https://example.com/x"}))
    run = world.enrol(world.workflow(graph(*steps, edges="l:item>h")), world.contacts()).started[0]
    world.runtime.registrations.due_kinds["advance"].work(world.runtime)
    held = world.run(run)
    place = next(each for each in held.positions if each["node"] == "h")
    assert dict(variables_at(place, held.variables)) == {"item": "a", "index": 0}
