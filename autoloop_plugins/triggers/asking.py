"""What a trigger's condition may ask about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins.conditions import Condition

__all__ = ["event_only"]


def event_only(node: colander.SchemaNode, condition: Condition) -> None:
    """A colander validator: nothing but the event is known before there is a run."""
    if condition.needs or not _of_event(condition.spec):
        raise colander.Invalid(node, "A trigger can ask about the event only: event.data.amount.")


def _of_event(spec: Mapping[str, Any]) -> bool:
    left: list[Any] = [spec]
    while left:
        each = left.pop()
        if isinstance(each, Mapping):
            if "field" in each and not str(each["field"]).startswith("event."):
                return False
            left += [member for kind in ("all", "any", "none") for member in each.get(kind, ())]
    return True
