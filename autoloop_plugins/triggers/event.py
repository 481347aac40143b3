"""Event: a run whenever a contact has an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import FreeMapping, Trigger, TriggerEvent
from autoloop.plugins.conditions.operators import contains

__all__ = ["EventTrigger"]


class EventTrigger(Trigger):
    """Starts when a contact has an event whose data contains what is asked for."""

    name, title, category, icon = "event", "Event", "event", "bolt"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        event = colander.SchemaNode(
            colander.String(),
            validator=colander.All(colander.Length(1, 100), colander.Regex(r"^[a-z0-9_]+(\.[a-z0-9_]+)*\Z")),
            title="Event",
            ui={"widget": "event"},
        )
        match = colander.SchemaNode(FreeMapping(), missing=None, title="Its data contains")

    def event_name(self, config: Mapping[str, Any]) -> str:
        return str(config["event"])

    def accepts(self, event: TriggerEvent, config: Mapping[str, Any]) -> bool:
        return contains(event.data, config["match"] or {})

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"When {config['event']} happens"
