"""What is drawn: a graph in words and colours, before it has a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autoloop.engine.graph import parse
from autoloop.engine.graph.check import read_node
from autoloop.plugins.forms import read_config
from autoloop.plugins.registry import Plugin, Registry
from autoloop.plugins.steps import Step

__all__ = ["FAMILIES", "Arrow", "Box", "Figure", "family_of", "figure"]

# The five step families of the dashboard; each is a custom property of its style sheet.
FAMILIES = {
    "trigger": "--amber",
    "message": "--jade",
    "timing": "--sky",
    "logic": "--violet",
    "plugin": "--rose",
}
OWN = "autoloop"


@dataclass(frozen=True)
class Box:
    """A node or a trigger. `ports` in the order of the step; `lost` if its plugin is missing."""

    id: str
    title: str
    line: str
    family: str
    ports: Sequence[str] = ()
    note: str = ""
    lost: bool = False


@dataclass(frozen=True)
class Arrow:
    source: str
    port: str
    target: str


@dataclass(frozen=True)
class Figure:
    boxes: Mapping[str, Box]
    arrows: Sequence[Arrow]
    start: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


def family_of(plugin: Plugin, step: Step) -> str:
    """The colour of a step: by its category, or that of plugins from elsewhere."""
    if plugin.distribution != OWN:
        return "plugin"
    return step.category if step.category in FAMILIES else "logic"


def figure(graph: Any, triggers: Sequence[Mapping[str, Any]], plugins: Registry) -> Figure:
    """The readable part of any graph, with its triggers above the start. Never raises."""
    parsed, _ = parse(graph)
    families = {plugin.name: family_of(plugin, plugins.steps[plugin.name]) for plugin in plugins.of("step")}
    boxes: dict[str, Box] = {}
    arrows = [Arrow(edge.source, edge.port, edge.target) for edge in parsed.edges]
    for index, trigger in enumerate(triggers):
        key = f"trigger:{index}"  # no node can be named so
        boxes[key] = _trigger_box(key, trigger, plugins)
        if parsed.start is not None:
            arrows.append(Arrow(key, "next", parsed.start))
    for node in parsed.nodes.values():
        try:
            step, config = read_node(node, plugins)
            title, line, ports = step.title, step.summary(config), tuple(step.ports(config))
            lost = False
        except Exception:  # a half-finished draft, or a plugin of any quality
            known = plugins.step(node.type)
            title, line, lost = known.title if known else node.type, "", True
            ports = ()
        family = families.get(node.type, "plugin")
        line = node.note if line in ("", title) else line
        boxes[node.id] = Box(node.id, title, line, family, ports, node.note, lost)
    return Figure(boxes, arrows, parsed.start, parsed.settings)


def _trigger_box(key: str, given: Any, plugins: Registry) -> Box:
    name = str(given.get("type", "")) if isinstance(given, Mapping) else ""
    trigger = plugins.trigger(name)
    if trigger is None:
        return Box(key, name or "?", "", "trigger", lost=True)
    try:
        line = trigger.summary(read_config(trigger, given.get("config") or {}))
    except Exception:
        return Box(key, trigger.title, "", "trigger", lost=True)
    return Box(key, trigger.title, "" if line == trigger.title else line, "trigger")
