"""Compiled graphs: made once per version and process, read at every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autoloop.engine.graph.check import read_node
from autoloop.engine.graph.parsed import parse
from autoloop.plugins.facts import NOTHING, Needs
from autoloop.plugins.registry import Registry
from autoloop.plugins.steps import ActionStep, Step

__all__ = ["CompiledGraph", "CompiledNode", "compile_graph"]


@dataclass(slots=True)
class CompiledNode:
    """A node ready to run.

    `ahead` is what may be asked for from here on before the run must wait, when the node is entered
    fresh; `behind` the same when it is resumed.
    """

    id: str
    type: str
    step: Step
    config: Mapping[str, Any]
    ports: frozenset[str]
    needs: Needs
    is_action: bool
    exits: dict[str, tuple[CompiledNode, ...]] = field(default_factory=dict, repr=False)
    ahead: Needs = NOTHING
    behind: Needs = NOTHING


@dataclass(frozen=True, slots=True)
class CompiledGraph:
    """Nodes by id, the first one's id, and the workflow's settings."""

    nodes: Mapping[str, CompiledNode]
    start: str
    settings: Mapping[str, Any]


def compile_graph(given: Any, plugins: Registry) -> CompiledGraph:
    """A checked graph, ready to run. Raises LookupError (with a sentence) if a plugin is missing,
    ValueError if the graph cannot run at all."""
    graph, problems = parse(given)
    if problems:
        raise ValueError(problems[0].message)
    start = graph.start
    if start is None:
        raise ValueError("the graph does not say where runs begin")
    nodes: dict[str, CompiledNode] = {}
    for node in graph.nodes.values():
        step, config = read_node(node, plugins)
        ports = frozenset(step.ports(config)) | {"error"}
        nodes[node.id] = CompiledNode(
            node.id, node.type, step, config, ports, step.needs(config), isinstance(step, ActionStep)
        )
    for edge in graph.edges:
        exits = nodes[edge.source].exits
        exits[edge.port] = (*exits.get(edge.port, ()), nodes[edge.target])
    _look_ahead(nodes)
    return CompiledGraph(nodes, start, graph.settings)


def _look_ahead(nodes: Mapping[str, CompiledNode]) -> None:
    """Spread each node's needs back over the ways that reach it without a wait in between."""
    changed = True
    while changed:
        changed = False
        for node in nodes.values():
            further = NOTHING
            for targets in node.exits.values():
                for target in targets:
                    further |= target.ahead
            own = (
                NOTHING if node.is_action else node.needs
            )  # an action's facts are loaded when it is performed
            behind = own | further
            ahead = own if node.step.suspends else behind
            if ahead != node.ahead or behind != node.behind:
                node.ahead, node.behind, changed = ahead, behind, True
