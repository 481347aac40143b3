"""Compiled graphs: made once per version and process, read at every step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autoloop.engine.graph.check import read_node
from autoloop.engine.graph.parsed import parse
from autoloop.plugins.facts import NOTHING, Needs
from autoloop.plugins.registry import Registry
from autoloop.plugins.steps import ActionStep, GoalStep, Step

__all__ = ["CompiledGraph", "CompiledNode", "compile_graph"]

Ear = tuple[str, Mapping[str, Any], bool]


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
    special: bool = False
    """An action, a loop or a goal: what the interpreter asks before it asks the step."""
    exits: dict[str, tuple[CompiledNode, ...]] = field(default_factory=dict, repr=False)
    ahead: Needs = NOTHING
    behind: Needs = NOTHING


@dataclass(frozen=True, slots=True)
class CompiledGraph:
    """Nodes by id, the first one's id, and the workflow's settings.

    `joins` and `goals` map merges to the nodes that lead to them, and goals to those a run jumps from;
    `ears` are the events that goals listen to, as (name, match, whether it alone reaches the goal);
    `always` is what must be known at every turn, wherever the run stands.
    """

    nodes: Mapping[str, CompiledNode]
    start: str
    settings: Mapping[str, Any]
    joins: Mapping[str, frozenset[str]] = field(default_factory=dict)
    goals: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ears: Mapping[str, tuple[Ear, ...]] = field(default_factory=dict)
    always: Needs = NOTHING


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
            node.id,
            node.type,
            step,
            config,
            ports,
            step.needs(config),
            isinstance(step, ActionStep),
            isinstance(step, ActionStep | GoalStep) or step.loops,
        )
    for edge in graph.edges:
        exits = nodes[edge.source].exits
        exits[edge.port] = (*exits.get(edge.port, ()), nodes[edge.target])
    _look_ahead(nodes)
    always = NOTHING
    for each in nodes.values():
        if each.step.loops or isinstance(each.step, GoalStep):
            always |= each.behind  # both are come to by other ways than edges
    joins = {key: _leading_to(key, nodes) for key, each in nodes.items() if each.step.joins}
    goals = {key: _jumped_from(key, nodes) for key, each in nodes.items() if isinstance(each.step, GoalStep)}
    ears = {key: tuple(nodes[key].step.listens(nodes[key].config)) for key in goals}  # type: ignore[attr-defined]
    return CompiledGraph(nodes, start, graph.settings, joins, goals, ears, always)


def _leading_to(goal: str, nodes: Mapping[str, CompiledNode]) -> frozenset[str]:
    """The nodes from which edges lead to this one, in any number of steps."""
    sources: dict[str, list[str]] = {}
    for node in nodes.values():
        for targets in node.exits.values():
            for target in targets:
                sources.setdefault(target.id, []).append(node.id)
    found: set[str] = set()
    open_ = [goal]
    while open_:
        fresh = [source for source in sources.get(open_.pop(), ()) if source not in found]
        found.update(fresh)
        open_ += fresh
    return frozenset(found)


def _jumped_from(goal: str, nodes: Mapping[str, CompiledNode]) -> frozenset[str]:
    """What has not passed the goal: all that leads to it; if nothing does, all but what it leads to."""
    upstream = _leading_to(goal, nodes)
    if upstream - {goal}:
        return upstream
    passed, open_ = {goal}, [nodes[goal]]
    while open_:
        for targets in open_.pop().exits.values():
            for target in targets:
                if target.id not in passed:
                    passed.add(target.id)
                    open_.append(target)
    return frozenset(nodes) - passed


def _look_ahead(nodes: Mapping[str, CompiledNode]) -> None:
    """Spread each node's needs back over the ways that reach it without a wait in between."""
    changed = True
    while changed:
        changed = False
        for node in nodes.values():
            if node.is_action:  # its own facts are loaded when it is performed
                ahead, behind = NOTHING, _next_needs(node, node.exits)
            else:
                behind = node.needs | _next_needs(node, node.exits)
                # A step that waits does not go on at once, unless it fails.
                ahead = node.needs | _next_needs(node, ("error",)) if node.step.suspends else behind
            if ahead != node.ahead or behind != node.behind:
                node.ahead, node.behind, changed = ahead, behind, True


def _next_needs(node: CompiledNode, ports: Iterable[str]) -> Needs:
    """What may be asked for behind these ports of the node."""
    needs = NOTHING
    for port in ports:
        for target in node.exits.get(port, ()):
            needs |= target.ahead
    return needs
