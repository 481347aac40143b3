"""Check a graph: everything that would stop a run, with a message and its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autoloop.engine.graph.parsed import GOAL, Graph, Node, Problem, parse
from autoloop.engine.graph.places import places
from autoloop.plugins.forms import ConfigProblems, read_config
from autoloop.plugins.registry import Registry
from autoloop.plugins.steps import Step

__all__ = ["check", "examine", "read_node"]


def check(given: Any, plugins: Registry) -> list[Problem]:
    """What stops a graph from being published, in the order of its nodes; an empty list means nothing does."""
    return [problem for problem in examine(given, plugins) if problem.severity == "error"]


def examine(given: Any, plugins: Registry) -> list[Problem]:
    """All that `check` finds, and warnings: what may be meant so, but often is not."""
    graph, problems = parse(given)
    read: dict[str, tuple[Step, Mapping[str, Any]]] = {}
    for node in graph.nodes.values():
        try:
            read[node.id] = read_node(node, plugins)
        except LookupError as error:
            problems.append(Problem("UNKNOWN_STEP", str(error.args[0]), node.id, "type"))
        except ConfigProblems as error:
            problems += [
                Problem("CONFIG", message, node.id, f"config.{field}" if field else "config")
                for field, message in error.problems.items()
            ]
        except Exception as error:  # a plugin's own check may fail in any way
            problems.append(
                Problem("PLUGIN", f"The step “{node.type}” failed: {type(error).__name__}: {error}", node.id)
            )
    if any(problem.code == "TOO_MANY" for problem in problems):
        return problems
    problems += _ports(graph, read)
    problems += _reach(graph)
    problems += _loops(graph, read)
    problems += places(graph, read)
    return problems


def read_node(node: Node, plugins: Registry) -> tuple[Step, dict[str, Any]]:
    """The node's step and its settings, ready to run. Raises LookupError or ConfigProblems."""
    step = plugins.step(node.type)
    if step is None:
        raise LookupError(f"There is no step “{node.type[:64]}” here; its plugin is missing or switched off.")
    config = read_config(step, node.config, node.config_version)
    found = dict(step.check(config))
    if found:
        raise ConfigProblems(found)
    step.needs(config)
    step.ports(config)
    return step, config


def _ports(graph: Graph, read: Mapping[str, tuple[Step, Mapping[str, Any]]]) -> Iterable[Problem]:
    for edge in graph.edges:
        if edge.source not in read:
            continue
        step, config = read[edge.source]
        ports = (*step.ports(config), "error")
        if edge.port not in ports:
            yield Problem(
                "NO_PORT",
                f"“{edge.source}” has no port “{edge.port}”; it has {', '.join(ports)}.",
                edge.source,
                edge.port,
            )


def _reach(graph: Graph) -> Iterable[Problem]:
    if not graph.nodes:
        yield Problem("EMPTY", "There is no step yet.", field="nodes")
        return
    start = graph.start
    if start is None:
        chosen = graph.settings.get("start")
        if chosen is not None:
            message = f"Runs begin at “{str(chosen)[:64]}”, which is no node."
        elif graph.roots:
            message = f"Runs could begin at {', '.join(graph.roots[:5])}: say which in settings.start."
        else:
            message = "Every step is led to by another: say in settings.start where runs begin."
        yield Problem("START", message, field="settings.start")
        return
    ways: dict[str, list[str]] = {}
    for edge in graph.edges:
        ways.setdefault(edge.source, []).append(edge.target)
    seen = {start} | {node.id for node in graph.nodes.values() if node.type == GOAL}
    open_ = list(seen)
    while open_:
        for target in ways.get(open_.pop(), ()):
            if target not in seen:
                seen.add(target)
                open_.append(target)
    for node in graph.nodes:
        if node not in seen:
            yield Problem("UNREACHABLE", f"No way leads from the start to “{node}”.", node)


def _loops(graph: Graph, read: Mapping[str, tuple[Step, Mapping[str, Any]]]) -> Iterable[Problem]:
    """Loops in which nothing waits would spin until a limit stops the run; one over a list has an end."""
    instant = {node for node, (step, _) in read.items() if not step.suspends}
    ways: dict[str, set[str]] = {node: set() for node in instant}
    led: dict[str, int] = dict.fromkeys(instant, 0)
    for edge in graph.edges:
        if edge.port == "item" and edge.source in read and read[edge.source][0].loops:
            continue
        if edge.source in instant and edge.target in instant and edge.target not in ways[edge.source]:
            ways[edge.source].add(edge.target)
            led[edge.target] += 1
    free = [node for node, count in led.items() if count == 0]
    while free:
        node = free.pop()
        del led[node]
        for target in ways[node]:
            led[target] -= 1
            if led[target] == 0:
                free.append(target)
    for node in _on_a_loop(led.keys(), ways):
        yield Problem(
            "LOOP", f"“{node}” is in a loop in which nothing waits: put a wait or an email into it.", node
        )


def _on_a_loop(left: Iterable[str], ways: Mapping[str, set[str]]) -> list[str]:
    """Of the nodes left after peeling from the front, those that a peel from the back leaves too."""
    kept = set(left)
    while True:
        ends = {node for node in kept if not ways[node] & kept}
        if not ends:
            return sorted(kept)
        kept -= ends
