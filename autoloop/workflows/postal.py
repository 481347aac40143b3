"""Steps that send marketing mail without a postal address: said before the mail waits for one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from autoloop.base.services import Services
from autoloop.engine.graph import Problem, parse
from autoloop.plugins.forms import schema_of

__all__ = ["unlocated_mail"]

WHY = (
    "Marketing mail needs a postal address: until the sender or the workspace's settings have one, "
    "what this step sends is held back."
)


def unlocated_mail(services: Services, graph: Any) -> list[Problem]:
    """A warning for each step whose marketing mail would be held back for want of a postal address.

    Such a step lets one choose a sender and whether its mail is marketing; none chosen is the default one.
    """
    lacking = services.registrations.fact_loaders.get("unlocated_senders")
    if lacking is None:
        return []
    parsed, _ = parse(graph)
    found: list[tuple[str, str, UUID | None]] = []
    for node in parsed.nodes.values():
        step = services.registrations.plugins.step(node.type)
        if step is None:
            continue
        children = {child.name: child for child in schema_of(step).children}
        sender = next((name for name, child in children.items() if _widget(child) == "sender"), None)
        kind = children.get("kind")
        if sender is None or kind is None or node.config.get("kind", kind.missing) != "marketing":
            continue
        try:
            chosen = node.config.get(sender)
            found.append((node.id, sender, UUID(chosen) if chosen else None))
        except (AttributeError, TypeError, ValueError):
            continue
    if not found:
        return []
    without = lacking(services, {id for _, _, id in found})
    return [
        Problem("NO_POSTAL_ADDRESS", WHY, node, f"config.{field}", "warning")
        for node, field, id in found
        if id in without
    ]


def _widget(child: Any) -> Any:
    return (getattr(child, "ui", None) or {}).get("widget")
