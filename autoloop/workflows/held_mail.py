"""Steps whose mail would wait: said before anybody is written to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from autoloop.base.services import Services
from autoloop.engine.graph import Problem, parse
from autoloop.plugins.forms import schema_of

__all__ = ["held_mail"]

UNLOCATED = (
    "Marketing mail must carry a postal address, and this sender has none. Give one to the sender on its page "
    "(Senders), or for all senders in the workspace's settings (Workspace, “Postal address”)."
)
PAUSED = "The sender of this step is paused: its mail waits until somebody resumes it on its page (Senders)."

Mailing = tuple[str, str, UUID | None, bool]


def held_mail(services: Services, graph: Any) -> list[Problem]:
    """An error for each step whose marketing mail would be held for want of a postal address; a warning for each
    whose sender is paused.

    Such a step lets one choose a sender and whether its mail is marketing; none chosen is the default one.
    """
    loaders = services.registrations.fact_loaders
    steps = list(_mailing(services, graph))
    found: list[Problem] = []
    if "unlocated_senders" in loaders:
        without = loaders["unlocated_senders"](services, {id for *_, id, marketing in steps if marketing})
        found += [
            Problem("NO_POSTAL_ADDRESS", UNLOCATED, node, f"config.{field}")
            for node, field, id, marketing in steps
            if marketing and id in without
        ]
    if "paused_senders" in loaders:
        paused = loaders["paused_senders"](services, {id for *_, id, _ in steps})
        found += [
            Problem("SENDER_PAUSED", PAUSED, node, f"config.{field}", "warning")
            for node, field, id, _ in steps
            if id in paused
        ]
    return found


def _mailing(services: Services, graph: Any) -> Iterator[Mailing]:
    """Each step that sends mail: its node, the field of its sender, the sender, whether it is marketing."""
    parsed, _ = parse(graph)
    for node in parsed.nodes.values():
        step = services.registrations.plugins.step(node.type)
        if step is None:
            continue
        children = {child.name: child for child in schema_of(step).children}
        sender = next((name for name, child in children.items() if _widget(child) == "sender"), None)
        if sender is None:
            continue
        kind = children.get("kind")
        marketing = kind is not None and node.config.get("kind", kind.missing) == "marketing"
        try:
            chosen = node.config.get(sender)
            yield node.id, sender, UUID(chosen) if chosen else None, marketing
        except (AttributeError, TypeError, ValueError):
            continue


def _widget(child: Any) -> Any:
    return (getattr(child, "ui", None) or {}).get("widget")
