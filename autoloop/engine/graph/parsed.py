"""From JSON to nodes and edges: shapes, names and sizes; nothing about what steps mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeGuard
from zoneinfo import available_timezones

__all__ = ["LARGEST", "Edge", "Graph", "Node", "Problem", "parse"]

FARTHEST = 1_000_000
LARGEST = {"nodes": 500, "edges": 2000, "note": 2000}
ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
PORT = re.compile(r"[a-z0-9_]{1,64}\Z")
HOUR = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]\Z")
EVENT = re.compile(r"(?=.{1,100}\Z)[a-z0-9_]+(\.[a-z0-9_]+)*\Z")
EXIT_RULES = ("unsubscribed", "replied", "bounced", "colleague_replied")
GOAL = "goal"
SETTINGS = ("start", "reentry", "exit_rules", "on_unknown", "window")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a graph, and where: a node's id, and the field in it.

    An `error` stops it from being published, a `warning` does not.
    """

    code: str
    message: str
    node: str | None = None
    field: str | None = None
    severity: Literal["error", "warning"] = "error"

    def as_dict(self) -> dict[str, str | None]:
        return {
            "code": self.code,
            "message": self.message,
            "node": self.node,
            "field": self.field,
            "severity": self.severity,
        }


@dataclass(frozen=True, slots=True)
class Node:
    id: str
    type: str
    config: Mapping[str, Any]
    config_version: int | None = None
    position: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    id: str
    source: str
    port: str
    target: str


@dataclass(frozen=True, slots=True)
class Graph:
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    settings: Mapping[str, Any]

    @property
    def roots(self) -> list[str]:
        """Nodes that no other node leads to; goals only if there is nothing else, for runs jump to them."""
        led_to = {edge.target for edge in self.edges if edge.source != edge.target}
        found = [node for node in self.nodes if node not in led_to]
        return [node for node in found if self.nodes[node].type != GOAL] or found

    @property
    def start(self) -> str | None:
        """Where runs begin; None if the graph does not say."""
        chosen = self.settings.get("start")
        if chosen is not None:
            return chosen if chosen in self.nodes else None
        roots = self.roots
        return roots[0] if len(roots) == 1 else None


def parse(given: Any) -> tuple[Graph, list[Problem]]:
    """The readable part of a graph, and what could not be read. Never raises."""
    problems: list[Problem] = []
    if not isinstance(given, Mapping):
        return Graph({}, (), {}), [Problem("SHAPE", "A graph is an object with nodes, edges and settings.")]
    strange = sorted(str(key) for key in given if key not in ("schema", "nodes", "edges", "settings"))
    if strange:
        problems.append(Problem("SHAPE", f"A graph has no “{strange[0]}”.", field=strange[0]))
    if given.get("schema", 1) != 1:
        problems.append(
            Problem("SCHEMA", "This graph was written for another version of AutoLoop.", field="schema")
        )
    nodes = _nodes(given.get("nodes", []), problems)
    edges = _edges(given.get("edges", []), nodes, problems)
    return Graph(nodes, edges, _settings(given.get("settings"), problems)), problems


def _nodes(given: Any, problems: list[Problem]) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for index, each in enumerate(_list(given, "nodes", problems)):
        place = f"nodes.{index}"
        if not isinstance(each, Mapping):
            problems.append(Problem("SHAPE", "A node is an object.", field=place))
            continue
        key = each.get("id")
        if not isinstance(key, str) or not ID.match(key):
            problems.append(
                Problem("NODE_ID", "A node's id is 1 to 64 letters, digits, - or _.", field=f"{place}.id")
            )
            continue
        if key in nodes:
            problems.append(Problem("DUPLICATE_NODE", f"Two nodes have the id “{key}”.", key, "id"))
            continue
        kind, config, version = each.get("type"), each.get("config", {}), each.get("config_version")
        note, position = each.get("note") or "", each.get("position") or {}
        wrong = [
            ("type", not isinstance(kind, str) or not kind, "A node's type is the name of a step."),
            ("config", not isinstance(config, Mapping), "A node's settings are an object."),
            (
                "config_version",
                version is not None and (not _whole(version) or version < 1),
                "It is a whole number from 1 up.",
            ),
            (
                "note",
                not isinstance(note, str) or len(note) > LARGEST["note"],
                f"A note has at most {LARGEST['note']} characters.",
            ),
            ("position", not _place(position), "A position is an object with x and y, two numbers."),
        ]
        found = [Problem("SHAPE", message, key, name) for name, bad, message in wrong if bad]
        known = ("id", "type", "config", "config_version", "note", "position")
        found += [
            Problem("SHAPE", f"A node has no “{name}”.", key, str(name)) for name in each if name not in known
        ]
        problems += found
        if not any(problem.field in ("type", "config", "config_version") for problem in found):
            nodes[key] = Node(key, str(kind), dict(config), version, position, str(note))
    return nodes


def _edges(given: Any, nodes: Mapping[str, Node], problems: list[Problem]) -> tuple[Edge, ...]:
    edges: list[Edge] = []
    seen: set[tuple[str, str, str]] = set()
    for index, each in enumerate(_list(given, "edges", problems)):
        place = f"edges.{index}"
        if not isinstance(each, Mapping):
            problems.append(Problem("SHAPE", "An edge is an object with from, port and to.", field=place))
            continue
        source, port, target = each.get("from"), each.get("port", "next"), each.get("to")
        if not isinstance(port, str) or not PORT.match(port):
            problems.append(Problem("SHAPE", "A port is a lower-case name.", field=f"{place}.port"))
            continue
        for name, end in (("from", source), ("to", target)):
            if not isinstance(end, str) or end not in nodes:
                shown = f"“{end[:64]}”" if isinstance(end, str) else "nothing"
                problems.append(
                    Problem(
                        "EDGE_END",
                        f"An edge leads {name} {shown}, which is no node.",
                        field=f"{place}.{name}",
                    )
                )
                break
        else:
            key = (str(source), port, str(target))
            if key in seen:
                problems.append(
                    Problem(
                        "DUPLICATE_EDGE",
                        f"“{key[0]}” leads to “{key[2]}” twice by the port {port}.",
                        key[0],
                        f"{place}",
                    )
                )
                continue
            seen.add(key)
            edges.append(Edge(str(each.get("id") or f"e{index}")[:64], *key))
    return tuple(edges)


def _settings(given: Any, problems: list[Problem]) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        problems.append(Problem("SHAPE", "Settings are an object.", field="settings"))
        return {}
    settings = {str(key): value for key, value in given.items() if value is not None}
    problems += [
        Problem("SETTINGS", f"There is no setting “{key[:64]}”.", field=f"settings.{key[:64]}")
        for key in settings
        if key not in SETTINGS
    ]
    if not reentry_fits(settings.get("reentry", "once")):
        message = "Re-entry is once, always, not_active or {“after_days”: 1 to 3650}."
        problems.append(Problem("SETTINGS", message, field="settings.reentry"))
    rules = settings.get("exit_rules", [])
    if not isinstance(rules, list) or len(rules) > 20 or not all(map(exit_rule_fits, rules)):
        message = (
            f"Exit rules are a list of at most 20: {', '.join(EXIT_RULES)}, {{“left_segment”: id}} or "
            "{“event”: name, “match”: {…}}."
        )
        problems.append(Problem("SETTINGS", message, field="settings.exit_rules"))
    if settings.get("on_unknown", "hold") not in ("hold", "skip", "resend"):
        problems.append(Problem("SETTINGS", "It is hold, skip or resend.", field="settings.on_unknown"))
    if not isinstance(settings.get("start", ""), str):
        problems.append(Problem("SETTINGS", "The start is the id of a node.", field="settings.start"))
        settings.pop("start")
    if not window_fits(settings.get("window", {})):
        message = (
            "A window has days (1 to 7, Monday is 1), from and until (two hours like 09:00; until before from is on "
            "the next day), timezone; each optional."
        )
        problems.append(Problem("SETTINGS", message, field="settings.window"))
    return settings


def window_fits(window: Any) -> bool:
    """Is this {"days": [1..7], "from": "09:00", "until": "17:00", "timezone": name}, in part or whole?"""
    if not isinstance(window, Mapping) or set(window) - {"days", "from", "until", "timezone"}:
        return False
    days, zone = window.get("days", []), window.get("timezone", "contact")
    hours = [window[key] for key in ("from", "until") if key in window]
    return (
        isinstance(days, list)
        and all(_whole(day) and 1 <= day <= 7 for day in days)
        and all(isinstance(hour, str) and HOUR.match(hour) for hour in hours)
        and (len(hours) < 2 or hours[0] != hours[1])
        and isinstance(zone, str)
        and (zone in ("contact", "workspace") or zone in available_timezones())
    )


def exit_rule_fits(rule: Any) -> bool:
    """One of EXIT_RULES, {"left_segment": id}, or {"event": name, "match": what its data contains}."""
    if not isinstance(rule, Mapping):
        return isinstance(rule, str) and rule in EXIT_RULES
    if "left_segment" in rule:
        return set(rule) == {"left_segment"} and isinstance(rule["left_segment"], str)
    name, match = rule.get("event"), rule.get("match") or {}
    return (
        not set(rule) - {"event", "match"}
        and isinstance(name, str)
        and EVENT.match(name) is not None
        and isinstance(match, Mapping)
        and len(match) <= 100
    )


def reentry_fits(rule: Any) -> bool:
    if isinstance(rule, Mapping):
        days = rule.get("after_days")
        return set(rule) == {"after_days"} and _whole(days) and 1 <= days <= 3650
    return rule in ("once", "always", "not_active") if isinstance(rule, str) else False


def _list(given: Any, name: str, problems: list[Problem]) -> list[Any]:
    if not isinstance(given, list):
        problems.append(Problem("SHAPE", f"The {name} are a list.", field=name))
        return []
    if len(given) > LARGEST[name]:
        problems.append(
            Problem(
                "TOO_MANY",
                f"A graph has at most {LARGEST[name]} {name}; this one has {len(given)}.",
                field=name,
            )
        )
        return []
    return given


def _place(given: Any) -> bool:
    """Nothing, or where the step stands on the canvas: it says nothing of what the step does."""
    return isinstance(given, Mapping) and (not given or all(_far(given.get(axis)) for axis in ("x", "y")))


def _far(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= FARTHEST


def _whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
