"""What differs between two graphs, told step by step and field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["MOST_CHANGES", "compare"]

MOST_CHANGES = 2_000
"""Fields told of at most; beyond it the answer says `truncated`."""

MISSING = object()


Triggers = Sequence[Any] | None


def compare(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    triggers: tuple[Triggers, Triggers] = ((), ()),
) -> dict[str, Any]:
    """What happened on the way from one published graph to another.

    Steps are matched by their ids, ways by (from, port, to); where a step stands on the canvas is no
    difference, nor is which version of a step's settings a node names. `triggers` are those of both; None,
    of a version older than they are kept, leaves it open what of them changed. Returns {"same", "steps", "ways", "settings", "triggers", "triggers_known",
    "truncated"}: a step is {"id", "type", "what": added | removed | changed, "fields"}, a trigger the same
    without an id, a field {"field", "before", "after"} with None for "was not there".
    """
    steps, told = [], 0
    held, given = _by_id(before), _by_id(after)
    for id in dict.fromkeys((*held, *given)):
        old, new = held.get(id), given.get(id)
        fields = [] if old is None or new is None else list(_fields(_meaning(old), _meaning(new), ""))
        if old is None or new is None or fields:
            what = "added" if old is None else "removed" if new is None else "changed"
            kept = fields[: max(0, MOST_CHANGES - told)]
            told += len(fields)
            steps.append(
                {"id": id, "type": str((new or old or {}).get("type", "")), "what": what, "fields": kept}
            )
    settings = list(_fields(before.get("settings") or {}, after.get("settings") or {}, ""))
    ways = _ways(before, after)
    old_triggers, new_triggers = triggers
    known = old_triggers is not None and new_triggers is not None
    started = list(_triggers(old_triggers or (), new_triggers or ())) if known else []
    return {
        "same": not (steps or settings or ways or started),
        "steps": steps,
        "ways": ways,
        "settings": settings[:MOST_CHANGES],
        "triggers": started,
        "triggers_known": known,
        "truncated": max(told, len(settings)) > MOST_CHANGES,
    }


def _by_id(graph: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {node["id"]: node for node in _objects(graph, "nodes") if isinstance(node.get("id"), str)}


def _objects(graph: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """A draft may be in any state of repair: what is no object is left out."""
    listed = graph.get(key)
    return [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []


def _meaning(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key not in ("id", "position", "config_version")}


def _triggers(before: Sequence[Any], after: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Triggers have no ids: equal ones are the same, of the others those of one type are matched in order."""
    old, new = list[Mapping[str, Any]](), [each for each in after if isinstance(each, Mapping)]
    for each in before:
        if each in new:
            new.remove(each)
        elif isinstance(each, Mapping):
            old.append(each)
    for each in old:
        name = str(each.get("type", ""))
        other = next((other for other in new if other.get("type") == each.get("type")), None)
        if other is None:
            yield {"type": name, "what": "removed", "fields": []}
            continue
        new.remove(other)
        yield {"type": name, "what": "changed", "fields": list(_fields(each, other, ""))[:MOST_CHANGES]}
    for each in new:
        yield {"type": str(each.get("type", "")), "what": "added", "fields": []}


def _ways(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, str]]:
    held, given = (
        dict.fromkeys(
            (str(edge.get("from")), str(edge.get("port", "next")), str(edge.get("to")))
            for edge in _objects(graph, "edges")
        )
        for graph in (before, after)
    )
    changes = [("removed", way) for way in held if way not in given]
    changes += [("added", way) for way in given if way not in held]
    return [
        {"what": what, "from": source, "port": port, "to": target} for what, (source, port, target) in changes
    ]


def _fields(old: Any, new: Any, place: str) -> Iterator[dict[str, Any]]:
    """Differences at the deepest objects; a list is one value, for its members have no names."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from _fields(old.get(key, MISSING), new.get(key, MISSING), f"{place}.{key}".lstrip("."))
    elif old is MISSING or new is MISSING or type(old) is not type(new) or old != new:
        yield {
            "field": place,
            "before": None if old is MISSING else old,
            "after": None if new is MISSING else new,
        }
