"""Event: a run whenever a contact has an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import FreeMapping, Trigger, TriggerEvent
from autoloop.plugins.conditions import ConditionType
from autoloop.plugins.conditions.operators import contains
from autoloop_plugins.triggers.asking import event_only

__all__ = ["EventTrigger"]


class EventTrigger(Trigger):
    """Starts when a contact has an event whose data contains what is asked for, and meets a condition.

    The condition asks about the event alone: `event.data.amount`.
    """

    name, title, category, icon = "event", "Event", "event", "bolt"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        event = colander.SchemaNode(
            colander.String(),
            validator=colander.All(
                colander.Length(1, 100),
                colander.Regex(
                    r"^[a-z0-9_]+(\.[a-z0-9_]+)*\Z", msg="must be the name of an event, like order.paid"
                ),
            ),
            title="Event",
            ui={"widget": "event"},
        )
        match = colander.SchemaNode(FreeMapping(), missing=None, title="Its data contains")
        condition = colander.SchemaNode(
            ConditionType(), missing=None, title="Only if", ui={"roots": ["event"]}, validator=event_only
        )

    def event_name(self, config: Mapping[str, Any]) -> str:
        return str(config["event"])

    def accepts(self, event: TriggerEvent, config: Mapping[str, Any]) -> bool:
        if not contains(event.data, config["match"] or {}):
            return False
        condition = config["condition"]
        return condition is None or condition.test(event)

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"When {config['event']} happens"
