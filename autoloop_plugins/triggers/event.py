"""Event: a run whenever a contact has an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import FreeMapping, Trigger, TriggerEvent
from autoloop.plugins.conditions import Condition, ConditionType
from autoloop.plugins.conditions.operators import contains

__all__ = ["EventTrigger"]


class EventTrigger(Trigger):
    """Starts when a contact has an event whose data contains what is asked for, and meets a condition.

    The condition asks about the event alone: `event.data.amount`.
    """

    name, title, category, icon = "event", "Event", "event", "bolt"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        event = colander.SchemaNode(
            colander.String(),
            validator=colander.All(colander.Length(1, 100), colander.Regex(r"^[a-z0-9_]+(\.[a-z0-9_]+)*\Z")),
            title="Event",
            ui={"widget": "event"},
        )
        match = colander.SchemaNode(FreeMapping(), missing=None, title="Its data contains")
        condition = colander.SchemaNode(
            ConditionType(), missing=None, title="Only if", ui={"roots": ["event"]}
        )

        def validator(self, node: colander.SchemaNode, config: Mapping[str, Any]) -> None:
            condition = config["condition"]
            if condition is not None and (condition.needs or not _of_event(condition)):
                fault = colander.Invalid(node)
                fault["condition"] = "A trigger can ask about the event only: event.data.amount."
                raise fault

    def event_name(self, config: Mapping[str, Any]) -> str:
        return str(config["event"])

    def accepts(self, event: TriggerEvent, config: Mapping[str, Any]) -> bool:
        if not contains(event.data, config["match"] or {}):
            return False
        condition = config["condition"]
        return condition is None or condition.test(event)

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"When {config['event']} happens"


def _of_event(condition: Condition) -> bool:
    """Does it ask about nothing but the event?"""
    left: list[Any] = [condition.spec]
    while left:
        each = left.pop()
        if isinstance(each, Mapping):
            if "field" in each and not str(each["field"]).startswith("event."):
                return False
            left += [member for kind in ("all", "any", "none") for member in each.get(kind, ())]
    return True
