"""Graphs for tests: short to write, and strategies for any graph that passes the check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from autoloop.engine.graph import check
from autoloop.plugins import Registry

TEMPLATE = "01890000-0000-7000-8000-000000000001"
PLUGINS = Registry.load()

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "wait": [{"amount": 1}, {"amount": 0}, {"amount": 2.5, "unit": "hours"}],
    "wait_for_event": [
        {"event": "order.paid"},
        {"event": "email.replied", "timeout": {"amount": 2, "unit": "days"}},
        {"event": "order.paid", "match": {"sum": 3}, "timeout": {"amount": 0}},
    ],
    "branch": [
        {"condition": {"field": "contact.email", "op": "ends_with", "value": "example.com"}},
        {"condition": {"any": [{"email": "replied"}, {"field": "contact.tags", "op": "has", "value": "x"}]}},
        {"condition": {"none": [{"event": "order.paid", "op": "never"}]}},
    ],
    "ab_split": [{}, {"arms": [{"name": "a", "weight": 0}, {"name": "b", "weight": 3}, {"name": "c"}]}],
    "update_contact": [
        {"set": [{"field": "fields.plan", "value": "pro"}, {"field": "first_name", "value": None}]}
    ],
    "add_tag": [{"tag": "x"}],
    "switch": [
        {"value": "{{ contact.email }}", "cases": [{"name": "a", "equals": "ada@example.com"}]},
        {"cases": [{"name": "a", "condition": {"field": "variables.n", "op": "is", "value": 1}}]},
    ],
    "filter": [{"condition": {"field": "contact.tags", "op": "has", "value": "x"}}],
    "fork": [{}, {"branches": ["a", "b", "c"]}],
    "merge": [{}, {"mode": "any"}, {"timeout": {"amount": 1}}],
    "for_each": [{"items": [1, 2]}, {"items": []}, {"items": "{{ contact.tags }}", "most": 1}],
    "goal": [
        {"event": "order.paid"},
        {"condition": {"field": "contact.tags", "op": "has", "value": "x"}},
        {"event": "email.replied", "condition": {"event": "order.paid"}, "wait": {"amount": 1}},
    ],
    "sub_workflow": [{"workflow_id": TEMPLATE}, {"workflow_id": TEMPLATE, "wait": False}],
    "set_variables": [{"set": [{"name": "n", "value": "{{ vars.n | plus: 1 }}"}]}],
    "stop": [{"reason": "enough"}, {}],
    "send_email": [{"template_id": TEMPLATE}],
    "webhook": [{"url": "https://example.com/hook"}],
}


def graph(*nodes: tuple[str, str, dict[str, Any]], edges: str = "", **settings: Any) -> dict[str, Any]:
    """`graph(("a", "wait", {...}), ("b", "stop", {}), edges="a>b a:error>b")`."""
    made = []
    for index, edge in enumerate(edges.split()):
        source, target = edge.split(">")
        name, _, port = source.partition(":")
        made.append({"id": f"e{index}", "from": name, "port": port or "next", "to": target})
    listed = [{"id": key, "type": kind, "config": config} for key, kind, config in nodes]
    return {"schema": 1, "nodes": listed, "edges": made, "settings": settings}


CONTROL = ("fork", "merge", "for_each", "goal", "wait", "filter", "sub_workflow")


@st.composite
def drawn(draw: st.DrawFn, kinds: Sequence[str] = tuple(sorted(SETTINGS))) -> dict[str, Any]:
    """Any drawing of known steps, sensible or not."""
    count = draw(st.integers(1, 8))
    names = [f"n{index}" for index in range(count)]
    nodes, edges = [], []
    for name in names:
        kind = draw(st.sampled_from(kinds))
        config = draw(st.sampled_from(SETTINGS[kind]))
        nodes.append({"id": name, "type": kind, "config": config})
        step = PLUGINS.steps[kind]
        from autoloop.plugins.forms import read_config

        for port in (*step.ports(read_config(step, config)), "error"):
            for target in draw(st.lists(st.sampled_from(names), max_size=2, unique=True)):
                edges.append({"id": f"e{len(edges)}", "from": name, "port": port, "to": target})
    return {"schema": 1, "nodes": nodes, "edges": edges, "settings": {"start": "n0"}}


def _keep_reachable(drawing: dict[str, Any]) -> dict[str, Any]:
    """Leave out what no way leads to: most drawings then pass the check."""
    seen, open_ = {"n0"}, ["n0"]
    while open_:
        here = open_.pop()
        for edge in drawing["edges"]:
            if edge["from"] == here and edge["to"] not in seen:
                seen.add(edge["to"])
                open_.append(edge["to"])
    nodes = [node for node in drawing["nodes"] if node["id"] in seen]
    edges = [edge for edge in drawing["edges"] if edge["from"] in seen]
    return drawing | {"nodes": nodes, "edges": edges}


def passing() -> st.SearchStrategy[dict[str, Any]]:
    """Any graph that may be published; half of them of steps that fork, join, loop and jump."""
    return (drawn() | drawn(CONTROL)).map(_keep_reachable).filter(lambda drawing: not check(drawing, PLUGINS))
