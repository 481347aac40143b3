"""Topics that steps name and that nobody can subscribe to: found before a contact gets there."""

from __future__ import annotations

from typing import Any

from autoloop.base.services import Services
from autoloop.businesses.services import Topics
from autoloop.engine.graph import Problem, parse
from autoloop.plugins.forms import schema_of

__all__ = ["unknown_topics"]


def unknown_topics(services: Services, graph: Any) -> list[Problem]:
    """A warning for each step that sends mail of a topic that is not there: it reaches nobody.

    A setting says that it is a topic's key by its widget. One statement, and none without such settings.
    """
    parsed, _ = parse(graph)
    named = [
        (node.id, child.name, node.config[child.name])
        for node in parsed.nodes.values()
        if (step := services.registrations.plugins.step(node.type)) is not None
        for child in schema_of(step).children
        if (getattr(child, "ui", None) or {}).get("widget") == "topic"
        and isinstance(node.config.get(child.name), str)
        and node.config[child.name]
    ]
    if not named:
        return []
    known = services(Topics).known()
    return [
        Problem(
            "UNKNOWN_TOPIC",
            f"There is no topic “{topic[:80]}”: nobody subscribes to it, so its mail reaches nobody.",
            node,
            f"config.{field}",
            "warning",
        )
        for node, field, topic in named
        if topic not in known
    ]
