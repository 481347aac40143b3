"""Graphs: everything wrong is said, with its place, and nothing raises."""

from __future__ import annotations

from typing import Any

import colander
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoloop.engine.graph import check, compile_graph
from autoloop.engine.services.versions import stamped
from autoloop.plugins import DecisionStep, Next, Registry
from tests.unit.engine.graphs import PLUGINS, drawn, graph

A, STOP = ("a", "wait", {"amount": 1}), ("z", "stop", {})


def found(given: Any) -> set[tuple[str, str | None, str | None]]:
    return {(each.code, each.node, each.field) for each in check(given, PLUGINS)}


@pytest.mark.parametrize(
    ("given_graph", "problem"),
    [
        ([], ("SHAPE", None, None)),
        ({"nodes": "x"}, ("SHAPE", None, "nodes")),
        ({"nodes": [], "edges": []}, ("EMPTY", None, "nodes")),
        (graph(A) | {"schema": 2}, ("SCHEMA", None, "schema")),
        (graph(A) | {"extra": 2}, ("SHAPE", None, "extra")),
        (graph(A, A), ("DUPLICATE_NODE", "a", "id")),
        (graph(("a", "nothing", {})), ("UNKNOWN_STEP", "a", "type")),
        (graph(("a", "wait", {"amount": -1})), ("CONFIG", "a", "config.amount")),
        (graph(("a", "wait", {"amount": "soon"})), ("CONFIG", "a", "config.amount")),
        (graph(("a", "wait", {"amount": 1, "hue": 3})), ("CONFIG", "a", "config.hue")),
        (
            graph(("a", "branch", {"condition": {"field": "contact.age", "op": "gt", "value": "x"}})),
            ("CONFIG", "a", "config.condition"),
        ),
        (
            graph(("a", "ab_split", {"arms": [{"name": "a", "weight": 0}, {"name": "b", "weight": 0}]})),
            ("CONFIG", "a", "config.arms"),
        ),
        (graph(A, STOP, edges="a:sideways>z"), ("NO_PORT", "a", "sideways")),
        (graph(A, STOP, edges="a>q"), ("EDGE_END", None, "edges.0.to")),
        (graph(A, STOP, edges="a>z a>z"), ("DUPLICATE_EDGE", "a", "edges.1")),
        (graph(A, STOP), ("START", None, "settings.start")),
        (graph(A, STOP, start="a"), ("UNREACHABLE", "z", None)),
        (graph(A, start="q"), ("START", None, "settings.start")),
        (graph(("a", "add_tag", {"tag": "x"}), edges="a>a", start="a"), ("LOOP", "a", None)),
        (graph(A, reentry="often"), ("SETTINGS", None, "settings.reentry")),
        (graph(A, reentry={"after_days": 0}), ("SETTINGS", None, "settings.reentry")),
        (graph(*((f"n{i}", "stop", {}) for i in range(10_000))), ("TOO_MANY", None, "nodes")),
    ],
)
def test_problem_and_place(given_graph: Any, problem: tuple[str, str | None, str | None]) -> None:
    assert problem in found(given_graph)


def test_loops_with_a_wait_are_legal() -> None:
    assert check(graph(A, ("b", "add_tag", {"tag": "x"}), edges="a>b b>a", start="a"), PLUGINS) == []


def test_only_steps_on_the_loop_are_named() -> None:
    tag = {"tag": "x"}
    steps = (("a", "add_tag", tag), ("b", "add_tag", tag), ("c", "add_tag", tag), ("d", "add_tag", tag))
    problems = check(graph(*steps, edges="a>b b>c c>b c>d"), PLUGINS)
    assert {each.node for each in problems} == {"b", "c"}


def test_needs_reach_back_to_where_the_run_waits() -> None:
    asks = {"condition": {"field": "contact.email", "op": "exists"}}
    made = compile_graph(
        graph(("t", "add_tag", {"tag": "x"}), A, ("b", "branch", asks), edges="t>a a>b"), PLUGINS
    )
    assert not made.nodes["t"].ahead  # the wait lies between
    assert made.nodes["a"].behind.contact
    assert made.nodes["b"].ahead.contact


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "type",
                    "nodes",
                    "edges",
                    "config",
                    "from",
                    "to",
                    "port",
                    "settings",
                    "reentry",
                    "start",
                    "exit_rules",
                    "all",
                    "field",
                    "op",
                    "value",
                    "set",
                    "arms",
                    "amount",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_the_check_never_raises(given_graph: Any) -> None:
    check(given_graph, PLUGINS)


@given(st.sampled_from(sorted(PLUGINS.steps)), JSON)
def test_no_settings_raise(kind: str, config: Any) -> None:
    check({"nodes": [{"id": "a", "type": kind, "config": config}], "edges": []}, PLUGINS)


@given(drawn())
def test_what_passes_the_check_compiles(drawing: dict[str, Any]) -> None:
    if not check(drawing, PLUGINS):
        compile_graph(drawing, PLUGINS)


@pytest.mark.parametrize(
    ("window", "fits"),
    [
        ({}, True),
        ({"days": [1, 7], "from": "09:00", "until": "17:00", "timezone": "Europe/Berlin"}, True),
        ({"from": "22:00", "until": "06:00"}, True),
        ({"from": "09:00", "until": "09:00"}, False),
        ({"days": 5}, False),
        ({"days": [0]}, False),
        ({"from": "9"}, False),
        ({"timezone": "Mars/Base"}, False),
        ({"timezone": []}, False),
        ({"hours": 3}, False),
        ([], False),
    ],
)
def test_a_window_is_one_or_is_refused(window: Any, fits: bool) -> None:
    drawing = {
        "nodes": [{"id": "a", "type": "stop", "config": {}}],
        "edges": [],
        "settings": {"window": window},
    }
    assert [problem.field for problem in check(drawing, PLUGINS)] == ([] if fits else ["settings.window"])


def test_a_version_keeps_its_meaning_when_a_step_changes_its_settings() -> None:
    """Written without naming the version of its settings, it is brought up to date from that of its day."""

    class Old(DecisionStep):
        name, title = "greet", "Greet"

        class Config(colander.MappingSchema):
            name = colander.SchemaNode(colander.String())

        def run(self, ctx: Any, config: Any) -> Next:
            return Next()

    class New(Old):
        config_version = 2

        class Config(colander.MappingSchema):
            names = colander.SchemaNode(colander.List())

        def upgrade(self, config: dict[str, Any], version: int) -> dict[str, Any]:
            return {"names": [config["name"]]}

    was, now = Registry(), Registry()
    was.add("step", Old)
    now.add("step", New)
    written = {"nodes": [{"id": "g", "type": "greet", "config": {"name": "Ada"}}], "edges": []}
    assert compile_graph(stamped(written, was), now).nodes["g"].config == {"names": ["Ada"]}
    assert stamped(stamped(written, was), now)["nodes"][0]["config_version"] == 1
