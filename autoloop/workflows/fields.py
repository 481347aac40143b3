"""Fields that nobody has, and steps that there are not, where a workflow reads or sets them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from autoloop.base.services import Services
from autoloop.businesses.conditions_sql.paths import NOTHING, value_at
from autoloop.engine.graph import Problem, parse
from autoloop.engine.graph.check import read_node
from autoloop.plugins.conditions.compiled import Condition
from autoloop.plugins.expressions import Expression

__all__ = ["unknown_fields"]

SETS = {"update_contact": "contact", "update_business": "business"}
ROOTS = ("contact", "business")
OUTPUTS = ("outputs", "steps")

Kinds = Mapping[str, Mapping[str, Any]]


def unknown_fields(services: Services, graph: Any) -> list[Problem]:
    """Errors where a step sets a custom field that there is not, warnings where one is read, or what a step
    gives that there is not: it is empty.

    Nodes that cannot be read are left to the check of the graph. One statement, and none without nodes.
    """
    parsed, _ = parse(graph)
    loader = services.registrations.fact_loaders.get("fields")
    if loader is None or not parsed.nodes:
        return []
    assert services.workspace_id is not None
    kinds: Kinds = loader(services, [services.workspace_id])[services.workspace_id]
    found: list[Problem] = []
    for node in parsed.nodes.values():
        try:
            _step, config = read_node(node, services.registrations.plugins)
        except Exception:  # noqa: S112
            continue  # told by the check of the graph
        if node.type in SETS:
            found += _set(node.id, config.get("set") or (), SETS[node.type], kinds)
        told: set[str] = set()
        for place, path in _read(config, "config"):
            message = _trouble(path, kinds, parsed.nodes)
            if message and path not in told:
                told.add(path)
                found.append(Problem("UNKNOWN_FIELD", message, node.id, place, "warning"))
    return found


def _set(node: str, given: Any, target: str, kinds: Kinds) -> Iterator[Problem]:
    for index, each in enumerate(given):
        field = each["field"]
        if field.startswith("fields.") and field[7:] not in kinds[target]:
            message = f"No custom field of a {target} is called “{field[7:]}”. Make it first."
            yield Problem("UNKNOWN_FIELD", message, node, f"config.set.{index}.field")


def _read(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Each (place in the settings, path of contact or business) that conditions and expressions ask for."""
    if isinstance(value, Condition):
        for path in _asked(value.spec):
            yield place, path
    elif isinstance(value, Expression):
        for path in sorted(value.program.paths):
            yield place, path
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _read(each, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _read(each, f"{place}.{index}")


def _asked(spec: Any) -> Iterator[str]:
    if isinstance(spec, Mapping):
        if isinstance(spec.get("field"), str):
            yield spec["field"]
        for key in ("all", "any", "none", "not"):
            yield from _asked(spec.get(key))
    elif isinstance(spec, list | tuple):
        for each in spec:
            yield from _asked(each)


def _trouble(path: str, kinds: Kinds, nodes: Container[str]) -> str | None:
    """What is wrong with reading this, if anything is."""
    root, *rest = path.split(".")
    if root in OUTPUTS and rest and rest[0] not in nodes:
        return f"There is no step “{rest[0][:100]}”: what it gives is empty for everybody."
    return None if _is_known(path, kinds) else f"There is no field “{path[:100]}”: it is empty for everybody."


def _is_known(path: str, kinds: Kinds) -> bool:
    root, *rest = path.split(".")
    if root not in ROOTS or not rest:
        return True
    if rest[0] == "fields":
        return len(rest) < 2 or rest[1] in kinds[root]
    if rest[0] in ("tags", "topics"):
        return True
    return any(value_at([root, *rest[:end]]) is not NOTHING for end in range(1, len(rest) + 1))
