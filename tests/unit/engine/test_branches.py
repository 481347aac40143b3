"""Forks, merges, loops over lists and goals: each means what its docstring says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from autoloop.engine.graph import check, compile_graph, examine
from autoloop.engine.interpreter import interpret
from autoloop.engine.turns import Facts, Limits, Stimulus, Turn
from tests.unit.engine.graphs import PLUGINS, TEMPLATE, graph
from tests.unit.engine.test_interpreter import NOW, after, begin, path

DAY = timedelta(days=1)
VIP = {"field": "contact.tags", "op": "has", "value": "vip"}


class Walker:
    """One run of a drawing, walked turn by turn."""

    def __init__(self, drawing: dict[str, Any], **facts: Any) -> None:
        assert check(drawing, PLUGINS) == []
        self.made = compile_graph(drawing, PLUGINS)
        self.state, self.facts = begin(self.made), Facts(**facts)
        self.path: list[str] = []
        self.turn = self.go(NOW)

    def go(self, now: datetime, *stimuli: Stimulus, **limits: int) -> Turn:
        self.turn = interpret(self.made, self.state, self.facts, stimuli, now, Limits(**limits))
        self.state = after(self.state, self.turn)
        self.path += path(self.turn)
        return self.turn


def tag(name: str) -> tuple[str, str, dict[str, Any]]:
    return (name, "add_tag", {"tag": name})


def wait(name: str, days: float) -> tuple[str, str, dict[str, Any]]:
    return (name, "wait", {"amount": days})


FORK = ("f", "fork", {})


def test_a_merge_waits_for_all_that_can_still_come() -> None:
    run = Walker(
        graph(FORK, wait("w", 1), wait("v", 3), ("m", "merge", {}), tag("z"), edges="f:a>w f:b>v w>m v>m m>z")
    )
    assert run.go(NOW + DAY).status == "waiting" and run.path == ["f:a", "f:b", "w:next"]
    assert run.turn.due_at == NOW + 3 * DAY
    assert run.go(NOW + 3 * DAY).status == "completed"
    assert run.path[3:] == ["v:next", "m:merged", "m:next", "z:next"]


def test_a_merge_does_not_wait_for_a_branch_that_ended() -> None:
    run = Walker(
        graph(
            FORK,
            wait("w", 1),
            ("x", "filter", {"condition": VIP}),
            ("m", "merge", {}),
            edges="f:a>w f:b>x w>m x>m",
        ),
        contact={"tags": []},
    )
    assert run.path == ["f:a", "f:b", "x:rejected"]
    assert run.go(NOW + DAY).status == "completed" and run.path[3:] == ["w:next", "m:next"]


def test_any_goes_on_with_the_first_and_the_others_end_when_they_come() -> None:
    steps = (FORK, wait("w", 1), wait("v", 3), ("m", "merge", {"mode": "any"}), wait("z", 9))
    run = Walker(graph(*steps, edges="f:a>w f:b>v w>m v>m m>z"))
    run.go(NOW + DAY)
    run.go(NOW + 3 * DAY)
    assert run.path[2:] == ["w:next", "m:next", "v:next", "m:merged"]
    assert [each["node"] for each in run.turn.positions] == ["z"]


def test_a_merge_in_a_loop_takes_each_pass_by_itself() -> None:
    steps = (FORK, wait("w", 1), wait("v", 5), ("m", "merge", {"mode": "any"}))
    run = Walker(graph(*steps, edges="f:a>w f:b>v w>m v>m m>f", start="f"))
    for day in range(1, 5):
        run.go(NOW + day * DAY)
    assert run.path.count("m:next") == 4 and run.path.count("m:merged") == 0
    run.go(NOW + 5 * DAY)  # the first pass's slow branch, and the fifth's fast one
    assert run.path.count("m:next") == 5 and run.path.count("m:merged") == 1


def test_a_merge_gives_up_at_its_time() -> None:
    steps = (FORK, wait("w", 1), wait("v", 9), ("m", "merge", {"timeout": {"amount": 2}}), tag("y"), tag("z"))
    run = Walker(graph(*steps, edges="f:a>w f:b>v w>m v>m m>y m:timeout>z"))
    assert run.go(NOW + DAY).due_at == NOW + 3 * DAY
    run.go(NOW + 3 * DAY)
    assert run.go(NOW + 9 * DAY).status == "completed"
    assert run.path[2:] == ["w:next", "m:timeout", "z:next", "v:next", "m:merged"]


@pytest.mark.parametrize("slow", ["a", "b"])
def test_who_was_there_in_time_counts_though_the_run_is_walked_late(slow: str) -> None:
    steps = (FORK, wait("w", 1), ("m", "merge", {"timeout": {"amount": 2}}), tag("y"), tag("z"))
    fast = "b" if slow == "a" else "a"
    run = Walker(graph(*steps, edges=f"f:{fast}>m f:{slow}>w w>m m>y m:timeout>z"))
    assert run.go(NOW + 5 * DAY).status == "completed"  # no worker was there on the second day
    assert run.path[2:] == ["w:next", "m:merged", "m:next", "y:next"]


def test_two_merges_that_wait_for_each_other_go_on() -> None:
    steps = (
        FORK,
        wait("w", 1),
        wait("v", 1),
        ("m", "merge", {}),
        ("n", "merge", {}),
        wait("x", 1),
        wait("y", 1),
    )
    run = Walker(graph(*steps, edges="f:a>w f:b>v w>m v>n m>x x>n n>y y>m", start="f"))
    for day in range(1, 30):
        turn = run.go(NOW + day * DAY, steps_per_run=60)
        if turn.status == "failed":
            return
        assert any("until" in each["wait"] for each in turn.positions), "it stands still"


def test_each_item_in_turn_then_done() -> None:
    steps = (
        ("l", "for_each", {"items": [3, 1, 2]}),
        (
            "s",
            "set_variables",
            {"set": [{"name": "seen", "value": "{{ vars.seen }}{{ vars.item }}.{{ vars.index }}, "}]},
        ),
        wait("w", 1),
        tag("z"),
    )
    run = Walker(graph(*steps, edges="l:item>s s>w w>l l:done>z", start="l"))
    for day in range(1, 4):
        run.go(NOW + day * DAY)
    assert run.turn.status == "completed"
    assert run.path == ["l:item", "s:next", "w:next"] * 3 + ["l:done", "z:next"]
    assert run.state.variables["vars"] == {"seen": "3.0,1.1,2.2,"} and "lists" not in run.state.variables


def test_a_branch_that_ends_inside_a_loop_begins_the_next_item() -> None:
    odd = {"condition": {"field": "variables.item", "op": "is", "value": "yes"}}
    steps = (("l", "for_each", {"items": ["no", "yes", "no"]}), ("x", "filter", odd), tag("t"), tag("z"))
    run = Walker(graph(*steps, edges="l:item>x x>t l:done>z"))
    middle = ["l:item", "x:next", "t:next"]
    assert run.path == ["l:item", "x:rejected", *middle, "l:item", "x:rejected", "l:done", "z:next"]


def test_an_item_whose_branches_fork_is_over_when_the_last_is() -> None:
    steps = (("l", "for_each", {"items": [1, 2]}), FORK, wait("w", 1), tag("t"), tag("z"))
    run = Walker(graph(*steps, edges="l:item>f f:a>w f:b>t w>l t>l l:done>z", start="l"))
    assert run.path == ["l:item", "f:a", "f:b", "t:next", "l:merged"]
    run.go(NOW + DAY)
    assert run.path[5:] == ["w:next", "l:item", "f:a", "f:b", "t:next", "l:merged"]
    assert run.go(NOW + 2 * DAY).status == "completed" and run.path[-3:] == ["w:next", "l:done", "z:next"]


def test_loops_lie_inside_each_other() -> None:
    steps = (
        ("o", "for_each", {"items": ["a", "b"]}),
        ("i", "for_each", {"items": [1, 2]}),
        tag("t"),
        tag("z"),
    )
    run = Walker(graph(*steps, edges="o:item>i i:item>t t>i i:done>o o:done>z", start="o"))
    inner = ["o:item", *["i:item", "t:next"] * 2, "i:done"]
    assert run.turn.status == "completed" and run.path == [*inner, *inner, "o:done", "z:next"]


def test_lists_are_bounded() -> None:
    run = Walker(graph(("l", "for_each", {"items": list(range(50)), "most": 2})))
    assert run.path == ["l:item", "l:item", "l:done"] and run.turn.journal[0].detail == {"left_out": 48}
    large = Walker(graph(("l", "for_each", {"items": ["x" * 10_000] * 40})))
    assert large.turn.status == "failed" and "bytes" in str(large.turn.reason)
    none = Walker(
        graph(("l", "for_each", {"items": "{{ contact.email }}"})), contact={"email": "a@example.com"}
    )
    assert none.turn.status == "failed" and "list" in str(none.turn.reason)


def test_a_run_stands_in_a_bounded_number_of_places() -> None:
    run = Walker(graph(FORK, wait("w", 0), wait("v", 0), edges="f:a>w f:b>v w>f v>f", start="f"))
    for second in range(1, 20):
        if run.go(NOW + timedelta(seconds=second)).status == "failed":
            break
        assert len(run.turn.positions) <= 100
    assert run.turn.reason == "would stand in more than 100 places at once"


GOAL = graph(
    ("m", "send_email", {"template_id": TEMPLATE}),
    wait("w", 9),
    ("g", "goal", {"event": "order.paid", "match": {"big": True}}),
    tag("z"),
    edges="m:sent>w w>g g>z",
)


def test_a_goal_is_jumped_to_when_its_event_comes() -> None:
    run = Walker(GOAL)
    heard = [each for each in run.turn.waits if each.node == "g"]
    assert [(each.event, each.match, each.visit, each.since) for each in heard] == [
        ("order.paid", {"big": True}, 0, NOW)
    ]
    run.go(NOW, Stimulus("event", {"name": "order.paid", "data": {"big": True}}, "g", 0))
    assert run.path == ["m:jumped", "g:next", "z:next"] and run.turn.status == "completed"
    assert sorted(run.turn.gone) == [("g", 0), ("m", 1)]


def test_a_goal_that_is_not_reached_is_left_by_unmet_and_stops_listening() -> None:
    run = Walker(GOAL)
    run.go(NOW, Stimulus("email", {"port": "sent"}, "m", 1))
    run.go(NOW + 9 * DAY)
    assert run.path == ["m:sent", "w:next", "g:unmet"] and ("g", 0) in run.turn.gone


def test_a_goal_by_condition_is_asked_at_each_turn_and_gathers_all_branches() -> None:
    steps = (FORK, wait("w", 2), wait("v", 3), ("g", "goal", {"condition": VIP}), tag("z"), wait("y", 9))
    run = Walker(graph(*steps, edges="f:a>w f:b>v g>z z>y", start="f"), contact={"tags": []})
    assert {each.event for each in run.turn.waits} == {"contact.updated", "tag.added", "tag.removed"}
    run.facts = Facts({"tags": ["vip"]})
    run.go(NOW + DAY, Stimulus("event", {"name": "tag.added"}, "g", -1))
    assert run.path[2:] == ["w:jumped", "v:jumped", "g:next", "z:next"]
    assert [each["node"] for each in run.turn.positions] == ["y"]
    assert run.go(NOW + 2 * DAY).journal == [], "a goal is reached once"


def test_a_goal_reached_by_the_run_itself() -> None:
    steps = (tag("vip"), wait("w", 2), ("g", "goal", {"condition": VIP}), tag("z"))
    run = Walker(graph(*steps, edges="vip>w w>g g>z"), contact={"tags": []})
    assert run.path == ["vip:next", "w:jumped", "g:next", "z:next"] and run.turn.waits == []


def test_children_are_asked_for_and_come_back() -> None:
    run = Walker(
        graph(
            ("s", "sub_workflow", {"workflow_id": TEMPLATE, "data": {"n": "{{ vars.n }}"}}),
            tag("z"),
            edges="s>z",
        )
    )
    assert [(node, visit, child.workflow_id, child.wait) for node, visit, child in run.turn.children] == [
        ("s", 1, TEMPLATE, True)
    ]
    assert run.turn.waits[0].kind == "child" and run.turn.due_at is None
    done = {"port": "next", "data": {"status": "completed", "outputs": {"a": 1}}}
    run.go(NOW, Stimulus("child", done, "s", 1))
    assert run.path == ["s:next", "z:next"] and run.state.variables["outputs"]["s"]["outputs"] == {"a": 1}


def test_workflows_do_not_start_each_other_without_end() -> None:
    made = compile_graph(graph(("s", "sub_workflow", {"workflow_id": TEMPLATE})), PLUGINS)
    deep = begin(made)
    deep.variables = {"depth": 10}
    turn = interpret(made, deep, None, [], NOW)
    assert turn.status == "failed" and "circle" in str(turn.reason) and not turn.children


def test_variables_are_cut_to_size() -> None:
    fields = {"long": "x" * 20_000, "n": 2}
    sets = {
        "set": [
            {"name": "a", "value": "{{ contact.fields.n }}"},
            {"name": "b", "value": "{{ contact.fields.long }}"},
        ]
    }
    run = Walker(graph(("s", "set_variables", sets)), contact={"fields": fields})
    assert run.state.variables["vars"] == {"a": 2, "b": {"truncated": True, "bytes": 20_002}}


@pytest.mark.parametrize(
    ("drawing", "found"),
    [
        (graph(tag("t"), ("m", "merge", {}), edges="t>m"), ("MERGE_ALONE", "m")),
        (graph(("x", "branch", {"condition": VIP}), tag("t"), edges="x:yes>t"), ("OPEN_PORT", "x")),
        (graph(("l", "for_each", {"items": []}), tag("t"), edges="l:done>t"), ("EMPTY_LOOP", "l")),
    ],
)
def test_what_may_not_be_meant_so_is_a_warning(drawing: Any, found: tuple[str, str]) -> None:
    assert check(drawing, PLUGINS) == []
    assert found in {
        (each.code, each.node) for each in examine(drawing, PLUGINS) if each.severity == "warning"
    }


def test_a_loop_over_a_list_has_an_end_but_not_one_around_it() -> None:
    inside = graph(("l", "for_each", {"items": [1]}), tag("t"), edges="l:item>t t>l", start="l")
    around = graph(("l", "for_each", {"items": [1]}), tag("t"), edges="l:item>t l:done>l", start="l")
    assert check(inside, PLUGINS) == []
    assert {(each.code, each.node) for each in check(around, PLUGINS)} == {("LOOP", "l")}
