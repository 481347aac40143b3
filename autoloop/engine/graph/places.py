"""Where steps stand in a graph: warnings about merges, loops and ports that may not be meant so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autoloop.engine.graph.parsed import Graph, Problem
from autoloop.plugins.steps import Step

__all__ = ["places"]

Read = Mapping[str, tuple[Step, Mapping[str, Any]]]


def places(graph: Graph, read: Read) -> Iterable[Problem]:
    """Warnings, in the order of the nodes; none of them stops a workflow."""
    tied: dict[str, dict[str, set[str]]] = {}
    sources: dict[str, set[str]] = {}
    for edge in graph.edges:
        tied.setdefault(edge.source, {}).setdefault(edge.port, set()).add(edge.target)
        sources.setdefault(edge.target, set()).add(edge.source)
    forks = {
        node
        for node, exits in tied.items()
        if any(len(targets) > 1 for targets in exits.values())
        or (node in read and read[node][0].forks and len(exits) > 1)
    }
    for node, (step, config) in read.items():
        ports, exits = step.ports(config), tied.get(node, {})
        open_ = [port for port in ports if port not in exits and port not in step.loose_ports]
        if len(ports) > 1 and open_ and (exits or step.loops):
            yield _warning("OPEN_PORT", f"At “{node}” whoever leaves by {', '.join(open_)} ends there.", node)
        if step.joins and not _forks_before(node, forks, sources):
            message = f"“{node}” merges, but nothing before it forks: it lets everybody through at once."
            yield _warning("MERGE_ALONE", message, node)
        if step.loops and "item" not in exits:
            yield _warning("EMPTY_LOOP", f"“{node}” does nothing with its items: tie a step to item.", node)


def _forks_before(node: str, forks: set[str], sources: Mapping[str, set[str]]) -> bool:
    """Does a way to the node lead past a step at which a run comes to stand in several places?"""
    seen, open_ = {node}, [node]
    while open_:
        for source in sources.get(open_.pop(), set()) - seen:
            if source in forks:
                return True
            seen.add(source)
            open_.append(source)
    return False


def _warning(code: str, message: str, node: str) -> Problem:
    return Problem(code, message, node, severity="warning")
