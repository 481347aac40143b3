"""The interpreter: pure, total, bounded; and each outcome does what it says."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoloop.engine.advance.write import dump, state_of
from autoloop.engine.graph import CompiledGraph, compile_graph
from autoloop.engine.interpreter import interpret
from autoloop.engine.turns import Facts, Limits, State, Stimulus, Turn
from autoloop.plugins import DecisionStep, Fail, Happening, Next, Registry, Retry, Stop, WaitFor, WaitUntil
from autoloop.plugins.effects import AddTag, Emit, UpdateContact
from autoloop.plugins.outcomes import Fork
from tests.unit.engine.graphs import PLUGINS, TEMPLATE, graph, passing

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
RUN = "01890000-0000-7000-8000-00000000000a"


def begin(made: CompiledGraph, who: str = "contact-1") -> State:
    position = {"id": 1, "node": made.start, "visit": 1, "since": NOW.isoformat()}
    return State(RUN, "ws", "wf", who, [position], {made.start: 1}, {})


def after(state: State, turn: Turn) -> State:
    variables = state.variables if turn.variables is None else turn.variables
    return State(RUN, "ws", "wf", state.chosen_by, turn.positions, turn.visits, variables, turn.seq)


def path(turn: Turn) -> list[str]:
    return [f"{each.node}:{each.port or each.outcome}" for each in turn.journal]


def run(
    drawing: dict[str, Any], facts: Facts | None = None, plugins: Registry = PLUGINS
) -> tuple[Turn, State, CompiledGraph]:
    made = compile_graph(drawing, plugins)
    turn = interpret(made, begin(made), facts, [], NOW)
    return turn, after(begin(made), turn), made


FACTS = st.builds(
    lambda email, tags, paid: Facts(
        {"email": email, "tags": tags},
        {},
        (),
        [Happening("order.paid", NOW, {"sum": 3})] * paid,
    ),
    st.sampled_from([None, "", "ada@example.com", 7, ["x"]]),
    st.lists(st.sampled_from(["x", "y"]), max_size=2),
    st.integers(0, 2),
)
PAYLOADS = st.sampled_from(
    [
        {},
        {"port": "sent"},
        {"port": "failed", "reason": "no"},
        {"name": "order.paid", "data": {"sum": 3}},
        {"outcome": "next", "output": {"a": 1}},
        {"outcome": "next", "port": "odd"},
        {"outcome": "stop"},
        {"outcome": "fail", "why": "x"},
    ]
)
STIMULI = st.builds(
    Stimulus,
    st.sampled_from(["event", "email", "action", "child", "exit", "strange"]),
    PAYLOADS,
    st.sampled_from([None, "n0", "n1", "n2"]),
    st.sampled_from([None, 0, 1, 2]),
)


@settings(
    max_examples=200, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow], deadline=None
)
@given(passing(), FACTS, st.lists(st.tuples(st.lists(STIMULI, max_size=2), st.integers(0, 3)), max_size=8))
def test_any_checked_graph_ends_or_waits(drawing: dict[str, Any], facts: Facts, turns: list[Any]) -> None:
    made = compile_graph(drawing, PLUGINS)
    state, now = begin(made), NOW
    limits = Limits(steps_per_turn=50, steps_per_run=200, positions=10)
    for stimuli, days in turns:
        now += timedelta(days=days, seconds=1)
        before = copy.deepcopy((state.positions, state.visits, state.variables))
        turn = interpret(made, state, facts, stimuli, now, limits)
        assert before == (state.positions, state.visits, state.variables), "the state was changed"
        again = interpret(made, state, facts, stimuli, now, limits)
        assert again == turn, "the same input gave something else"
        assert len(turn.journal) <= 50 * (len(stimuli) + len(state.positions) + 1) * 8
        assert [each.seq for each in turn.journal] == list(range(state.seq + 1, turn.seq + 1))
        check_path(made, turn)
        if turn.status in ("completed", "stopped", "failed"):
            assert not turn.positions and turn.due_at is None and not turn.waits and not turn.emails
            return
        assert turn.positions
        if turn.status == "active":
            assert turn.due_at == now
        else:
            assert all("wait" in position for position in turn.positions)
            assert any(position["wait"]["kind"] != "merge" for position in turn.positions), "it stands still"
            assert len(turn.positions) <= limits.positions
            answered = {(each.node, each.visit) for each in turn.waits}
            for position in turn.positions:
                if (
                    position["wait"]["kind"] in ("event", "email", "action", "child")
                    and position["since"] == now.isoformat()
                ):
                    assert (position["node"], position["visit"]) in answered
        state = after(state, turn)


def check_path(made: CompiledGraph, turn: Turn) -> None:
    """The journal is a way through the graph."""
    for entry in turn.journal:
        if entry.outcome == "next":
            assert entry.port in made.nodes[entry.node].ports


def test_a_wait_holds_until_its_time() -> None:
    turn, state, made = run(
        graph(("a", "wait", {"amount": 2}), ("b", "stop", {"reason": "done"}), edges="a>b")
    )
    assert (turn.status, turn.due_at, path(turn)) == ("waiting", NOW + timedelta(days=2), [])
    early = interpret(made, state, None, [], NOW + timedelta(days=1))
    assert (early.status, early.due_at, path(early)) == ("waiting", NOW + timedelta(days=2), [])
    late = interpret(made, state, None, [], NOW + timedelta(days=2))
    assert (late.status, late.reason, path(late)) == ("stopped", "done", ["a:next", "b:stopped"])


def test_an_event_beats_the_timeout_and_a_second_is_late() -> None:
    config = {"event": "order.paid", "timeout": {"amount": 1}}
    turn, state, made = run(
        graph(
            ("a", "wait_for_event", config),
            ("b", "wait", {"amount": 9}),
            ("c", "stop", {}),
            edges="a>b a:timeout>c",
        )
    )
    assert turn.waits[0].event == "order.paid" and turn.due_at == NOW + timedelta(days=1)
    paid = Stimulus("event", {"name": "order.paid", "data": {"sum": 5}}, "a", 1)
    woken = interpret(made, state, None, [paid, paid], NOW + timedelta(days=3))
    assert path(woken) == ["a:next", "a:late"]
    assert woken.variables is not None and woken.variables["outputs"]["a"]["data"] == {"sum": 5}
    assert woken.gone == [("a", 1)]
    assert path(interpret(made, state, None, [], NOW + timedelta(days=1))) == ["a:timeout", "c:stopped"]


def test_mail_goes_on_by_its_fate() -> None:
    turn, state, made = run(
        graph(("m", "send_email", {"template_id": TEMPLATE}), ("w", "wait", {"amount": 1}), edges="m:sent>w")
    )
    assert [(node, visit) for node, visit, _ in turn.emails] == [("m", 1)] and turn.due_at is None
    sent = interpret(made, state, None, [Stimulus("email", {"port": "sent"}, "m", 1)], NOW)
    assert (sent.status, path(sent)) == ("waiting", ["m:sent"])
    failed = interpret(
        made, state, None, [Stimulus("email", {"port": "failed", "reason": "550"}, "m", 1)], NOW
    )
    assert (failed.status, path(failed), failed.journal[0].detail) == (
        "completed",
        ["m:failed"],
        {"why": "550"},
    )


def test_forks_go_both_ways_and_stop_ends_all() -> None:
    forked = graph(
        ("a", "add_tag", {"tag": "x"}),
        ("m", "send_email", {"template_id": TEMPLATE}),
        ("w", "wait", {"amount": 1}),
        ("z", "stop", {}),
        edges="a>m a>w w>z",
    )
    turn, state, made = run(forked)
    assert [position["node"] for position in turn.positions] == ["m", "w"]
    ended = interpret(made, state, None, [], NOW + timedelta(days=1))
    assert (ended.status, ended.mailed, ended.gone) == ("stopped", True, [("m", 1)])


def test_later_steps_see_what_earlier_ones_changed() -> None:
    asks = {
        "condition": {
            "all": [
                {"field": "contact.tags", "op": "has", "value": "x"},
                {"field": "contact.fields.plan", "op": "is", "value": "pro"},
            ]
        }
    }
    sets = {"set": [{"field": "fields.plan", "value": "pro"}]}
    turn, _, _ = run(
        graph(
            ("t", "add_tag", {"tag": "x"}),
            ("u", "update_contact", sets),
            ("b", "branch", asks),
            edges="t>u u>b",
        ),
        Facts({"tags": []}),
    )
    assert path(turn) == ["t:next", "u:next", "b:yes"] and len(turn.effects) == 2


def test_a_contact_always_takes_the_same_arm() -> None:
    made = compile_graph(graph(("s", "ab_split", {})), PLUGINS)
    arms = [interpret(made, begin(made, f"c{n}"), None, [], NOW).journal[0].port for n in range(2000)]
    assert arms == [interpret(made, begin(made, f"c{n}"), None, [], NOW).journal[0].port for n in range(2000)]
    assert 900 < arms.count("a") < 1100


def test_an_action_is_asked_for_and_its_answer_taken() -> None:
    turn, state, made = run(
        graph(("h", "webhook", {"url": "https://example.com/x"}), ("z", "stop", {}), edges="h:error>z")
    )
    assert turn.actions == [("h", 1)] and turn.waits[0].kind == "action"
    answer = Stimulus("action", {"outcome": "next", "port": "next", "output": {"status": 200}}, "h", 1)
    done = interpret(made, state, None, [answer], NOW)
    assert done.status == "completed" and done.variables == {"outputs": {"h": {"status": 200}}}
    failed = interpret(
        made, state, None, [Stimulus("action", {"outcome": "fail", "why": "404"}, "h", 1)], NOW
    )
    assert path(failed) == ["h:error", "z:stopped"]


def test_turns_and_runs_are_bounded() -> None:
    made = compile_graph(graph(("a", "wait", {"amount": 0}), edges="a>a", start="a"), PLUGINS)
    state, now = begin(made), NOW
    for _ in range(30):
        now += timedelta(seconds=1)
        turn = interpret(made, state, None, [], now, Limits(steps_per_run=20))
        state = after(state, turn)
        if turn.status == "failed":
            break
    assert turn.status == "failed" and turn.reason == "took more than 20 steps"


ODD: list[Any] = [
    None,
    3,
    "next",
    Next("nowhere"),
    Next(output=object()),
    Next(effects=(1,)),
    WaitUntil("soon"),
    WaitUntil(datetime(2026, 1, 1)),
    WaitUntil(NOW + timedelta(days=90_000)),
    Retry("soon"),
    Fail("no"),
    Stop("so"),
    Next(output="x" * 100_000),
    Next(["next"]),
    Next(why="\ud800"),
    Next(effects=[UpdateContact(5)]),
    Next(effects=[UpdateContact({"title": object()})]),
    Next(effects=[AddTag("\ud800")]),
    Next(effects=[AddTag(5)]),
    Next(effects=[Emit("order.paid", 5)]),
    Fail(None),
    Fail("\ud800"),
    Stop(None),
    Stop(5),
    Fork([[]]),
    WaitFor("\ud800"),
    WaitFor("order.paid", {"a": object()}),
    WaitFor("order.paid", {"a": "x" * 20_000}),
]  # type: ignore[arg-type]


def test_no_answer_of_a_step_breaks_the_run() -> None:
    for odd in [*ODD, ValueError("boom"), RecursionError()]:

        class Odd(DecisionStep):
            name, title = "odd", "Odd"

            def run(self, ctx: Any, config: Any, odd: Any = odd) -> Any:
                if isinstance(odd, Exception):
                    raise odd
                return odd

        plugins = Registry()
        plugins.add("step", Odd)
        turn, _, _ = run(graph(("o", "odd", {})), plugins=plugins)
        assert turn.status in ("failed", "stopped", "completed"), odd
        assert turn.journal
        dump([state_of(turn, NOW), *({"d": entry.detail} for entry in turn.journal)])  # it can be written


def test_retries_come_back_and_give_up() -> None:
    class Again(DecisionStep):
        name, title = "again", "Again"

        def run(self, ctx: Any, config: Any) -> Any:
            return Next() if ctx.attempt == 3 else Retry(timedelta(minutes=1), "not yet")

    plugins = Registry()
    plugins.add("step", Again)
    turn, state, made = run(graph(("r", "again", {})), plugins=plugins)
    assert turn.due_at == NOW + timedelta(minutes=1)
    turn = interpret(made, state, None, [], NOW + timedelta(minutes=1))
    turn = interpret(made, after(state, turn), None, [], NOW + timedelta(minutes=2))
    assert turn.status == "completed"
    given_up = interpret(made, state, None, [], NOW + timedelta(minutes=1), Limits(attempts=2))
    assert given_up.status == "failed" and "gave up" in str(given_up.reason)


@pytest.mark.parametrize(
    ("own", "flows", "held"), [(None, None, "hold"), (None, "skip", "skip"), ("resend", "skip", "resend")]
)
def test_what_nobody_knows_of_a_mail_is_handled_as_the_step_or_else_the_workflow_says(
    own: str | None, flows: str | None, held: str
) -> None:
    config = {"template_id": "0190d5a8-0000-7000-8000-000000000000", "on_unknown": own}
    drawing = {
        "nodes": [{"id": "m", "type": "send_email", "config": {k: v for k, v in config.items() if v}}],
        "edges": [],
        "settings": {"on_unknown": flows} if flows else {},
    }
    compiled = compile_graph(drawing, PLUGINS)
    turn = interpret(compiled, begin(compiled), Facts(), [], NOW)
    assert [email.on_unknown for _, _, email in turn.emails] == [held]
