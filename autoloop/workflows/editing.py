"""A draft's graph changed by one act: a step put in, set, tied to others, taken out. Graphs in, graphs out."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from autoloop.engine.graph import parse
from autoloop.engine.graph.parsed import ID

__all__ = ["copied", "node_of", "put_in", "set_node", "taken_out", "tied"]

Graph = dict[str, Any]


def node_of(graph: Any, id: str) -> dict[str, Any] | None:
    """The node as it is written, if there is one that can be read."""
    return next((each for each in _nodes(graph) if isinstance(each, dict) and each.get("id") == id), None)


def put_in(graph: Any, type: str, after: str = "", port: str = "next", on: str = "next") -> tuple[Graph, str]:
    """A new step behind a port of another, or at the beginning. What the port led to comes after it, by `on`.

    Returns the graph and the new node's id.
    """
    made = _whole(graph)
    id = _free(made, type)
    start = parse(made)[0].start
    made["nodes"].append({"id": id, "type": type, "config": {}})
    if node_of(made, after) is not None:
        for edge in made["edges"]:
            if _is_way(edge, after, port):
                edge |= {"from": id, "port": on}
        made["edges"].append({"from": after, "port": port, "to": id})
    elif start is not None:
        made["edges"].append({"from": id, "port": on, "to": start})
        if made.get("settings", {}).get("start"):
            made["settings"]["start"] = id
    return made, id


def set_node(graph: Any, id: str, config: Mapping[str, Any], version: int, note: str) -> Graph:
    """New settings, of this version of the step's schema, and a note."""
    made = _whole(graph)
    node = node_of(made, id)
    if node is not None:
        node |= {"config": dict(config), "config_version": version, "note": note}
        if not note:
            del node["note"]
    return made


def tied(graph: Any, id: str, ways: Mapping[str, Iterable[str]]) -> Graph:
    """Lead each of these ports to these nodes, and to no other. Ports that are not named stay as they are."""
    made = _whole(graph)
    kept = [edge for edge in made["edges"] if not any(_is_way(edge, id, port) for port in ways)]
    held = {
        (edge.get("port", "next"), edge["to"]): edge
        for edge in made["edges"]
        if _reads(edge, id) and isinstance(edge.get("port", "next"), str)
    }
    for port, targets in ways.items():
        kept += [held.get((port, each)) or {"from": id, "port": port, "to": each} for each in targets]
    made["edges"] = kept
    return made


def taken_out(graph: Any, id: str) -> Graph:
    """Without the step. Where it had one way on, what led to it leads there."""
    made = _whole(graph)
    onward = {edge["to"] for edge in made["edges"] if _reads(edge, id) and edge["to"] != id}
    target = onward.pop() if len(onward) == 1 else None
    edges: list[dict[str, Any]] = []
    for edge in made["edges"]:
        if not isinstance(edge, dict) or _reads(edge, id):
            continue
        led = {**edge, "to": target} if edge.get("to") == id else edge
        if led is not edge and (target in (None, led.get("from")) or any(_same(led, each) for each in edges)):
            continue
        edges.append(led)
    made["edges"] = edges
    made["nodes"] = [each for each in made["nodes"] if not (isinstance(each, dict) and each.get("id") == id)]
    if made.get("settings", {}).get("start") == id:
        made["settings"] = {**made["settings"], "start": target}
        if target is None:
            del made["settings"]["start"]
    return made


def copied(graph: Any, id: str) -> tuple[Graph, str]:
    """Another step with the same settings; nothing leads to it yet."""
    made = _whole(graph)
    node = node_of(made, id) or {}
    new = _free(made, str(node.get("type", "step")))
    made["nodes"].append({**copy.deepcopy(node), "id": new})
    return made, new


def _whole(graph: Any) -> Graph:
    """A copy with lists of nodes and edges, whatever stood there."""
    made: Graph = copy.deepcopy(dict(graph)) if isinstance(graph, Mapping) else {}
    made.setdefault("schema", 1)
    for key in ("nodes", "edges"):
        made[key] = made[key] if isinstance(made.get(key), list) else []
    if not isinstance(made.get("settings", {}), dict):
        del made["settings"]
    return made


def _nodes(graph: Any) -> list[Any]:
    nodes = graph.get("nodes") if isinstance(graph, Mapping) else None
    return nodes if isinstance(nodes, list) else []


def _reads(edge: Any, id: str) -> bool:
    return isinstance(edge, dict) and edge.get("from") == id and isinstance(edge.get("to"), str)


def _is_way(edge: Any, id: str, port: str) -> bool:
    return isinstance(edge, dict) and edge.get("from") == id and edge.get("port", "next") == port


def _same(edge: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(edge.get(key, "next") == other.get(key, "next") for key in ("from", "port", "to"))


def _free(graph: Graph, type: str) -> str:
    """An id that says what it is: `branch`, `branch_2` …"""
    word = type[:56] if ID.match(type[:56]) else "step"
    taken = [each.get("id") for each in graph["nodes"] if isinstance(each, dict)]  # of any shape
    count = 1
    while (word if count == 1 else f"{word}_{count}") in taken:
        count += 1
    return word if count == 1 else f"{word}_{count}"
