"""What a move makes of one run's state: plain data in, plain data out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Carried", "Place", "Route", "carry", "place_of", "route_between"]

HELD_BY = {
    "email": "its_email_is_under_way",
    "action": "its_answer_is_under_way",
    "child": "its_other_run_is_under_way",
    "merge": "its_other_ways_are_under_way",
}
"""Waits for what only a step of the same type can take, and why a run with one stays."""


class Place(NamedTuple):
    """Where a position stands: the node, what it waits for, and the nodes of the lists it is in."""

    node: str
    wait: str | None
    loops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Where the nodes of one version lead in another: old id → new id; and the types of both."""

    nodes: Mapping[str, str]
    before: Mapping[str, str]
    after: Mapping[str, str]

    def same(self, node: str) -> bool:
        """Does it lead to a step of the same type?"""
        return node in self.nodes and self.before.get(node) == self.after.get(self.nodes[node])

    def refusal(self, places: Iterable[Place]) -> tuple[str, str] | None:
        """Why a run that stands there has to stay, and at which node; None if it can go."""
        for place in places:
            if place.node not in self.nodes:
                return "no_step_to_go_to", place.node
            if place.wait in HELD_BY and not self.same(place.node):
                return HELD_BY[place.wait], place.node
            for loop in place.loops:
                if not self.same(loop):
                    return "its_list_is_gone", loop
            if len({self.nodes[loop] for loop in place.loops}) < len(set(place.loops)):
                return "its_list_is_gone", place.loops[-1]
        return None


def route_between(
    before: Mapping[str, Any], after: Mapping[str, Any], given: Mapping[str, str | None]
) -> Route:
    """The route from one graph to another: `given` where it says so (None: stay), else to the same id of the same type."""
    old, new = _types(before), _types(after)
    nodes = {id: id for id, kind in old.items() if new.get(id) == kind}
    for id, target in given.items():
        if target is None:
            nodes.pop(id, None)
        elif id in old and target in new:
            nodes[id] = target
    return Route(nodes, old, new)


def _types(graph: Mapping[str, Any]) -> dict[str, str]:
    return {node["id"]: node["type"] for node in graph["nodes"]}


def place_of(position: Mapping[str, Any]) -> Place:
    wait = position.get("wait")
    loops = tuple(key.rpartition(":")[0] for key, _ in position.get("loops", ()))
    return Place(position["node"], wait["kind"] if wait else None, loops)


class Carried(NamedTuple):
    """A run's state in its new version, and what that does to its rows.

    `renamed` are waits (old node, old visit, new node, new visit) that go on, `gone` those that do not.
    """

    positions: list[dict[str, Any]]
    visits: dict[str, int]
    variables: dict[str, Any]
    renamed: list[tuple[str, int, str, int]]
    gone: list[tuple[str, int]]

    @property
    def is_free(self) -> bool:
        """Has one of its positions something to do at once?"""
        return any("wait" not in position for position in self.positions)


def carry(
    route: Route,
    positions: Sequence[Mapping[str, Any]],
    visits: Mapping[str, int],
    variables: Mapping[str, Any],
    now: str,
) -> Carried:
    """Take a run along a route that does not refuse it. `now` is ISO 8601.

    A wait goes on if the step has kept its type, with its old end; else the position enters its new step.
    A renamed step is a visit of its own, so that it meets no other; `moved` in the variables tells what
    comes for the old name where to go. Goals that are not reached are listened for anew.
    """
    made, counts = list[dict[str, Any]](), dict(visits)
    renamed, gone = list[tuple[str, int, str, int]](), list[tuple[str, int]]()
    for each in positions:
        position, node, target = dict(each), each["node"], route.nodes[each["node"]]
        if not route.same(node):
            if position.pop("wait", None):
                gone.append((node, each["visit"]))
            position.pop("attempt", None)
            position["since"] = now
        if target != node or not route.same(node):
            counts[target] = counts.get(target, 0) + 1
            position["node"], position["visit"] = target, counts[target]
            if "wait" in position:
                renamed.append((node, each["visit"], target, counts[target]))
        _carry_marks(route, position)
        made.append(position)
    return Carried(made, counts, _variables(route, variables, made, renamed), renamed, gone)


def _carry_marks(route: Route, position: dict[str, Any]) -> None:
    """The lists that it is in, and the merges that went on without it."""
    if "loops" in position:
        position["loops"] = [[_renamed_key(route, key), index] for key, index in position["loops"]]
    if "past" in position:
        past = [route.nodes[each] for each in position.pop("past") if route.same(each)]
        if past:
            position["past"] = past


def _renamed_key(route: Route, key: str) -> str:
    node, _, visit = key.rpartition(":")
    return f"{route.nodes.get(node, node)}:{visit}"


def _variables(
    route: Route,
    variables: Mapping[str, Any],
    positions: Sequence[Mapping[str, Any]],
    renamed: Sequence[tuple[str, int, str, int]],
) -> dict[str, Any]:
    made = dict(variables)
    if "outputs" in made:
        kept = {id: each for id, each in made["outputs"].items() if route.nodes.get(id, id) == id}
        moved = {
            route.nodes[id]: each for id, each in made["outputs"].items() if route.nodes.get(id, id) != id
        }
        made["outputs"] = kept | moved
    if "lists" in made:
        made["lists"] = {_renamed_key(route, key): items for key, items in made["lists"].items()}
    if "goals" in made:
        made["goals"] = {
            route.nodes[id]: state
            for id, state in made["goals"].items()
            if state != "open" and route.same(id)
        }
    names = {f"{old}:{visit}": [new, fresh] for old, visit, new, fresh in renamed}
    earlier = made.pop("moved", {})
    for key, (node, visit) in earlier.items():
        names.setdefault(key, names.get(f"{node}:{visit}", [node, visit]))
    waiting = {(each["node"], each["visit"]) for each in positions if "wait" in each}
    left = {key: each for key, each in names.items() if tuple(each) in waiting}
    if left:
        made["moved"] = left
    return made
