"""Segment entered: a run when a contact enters a segment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import Trigger, TriggerEvent

__all__ = ["SegmentEntered"]


class SegmentEntered(Trigger):
    """Starts when a contact enters a segment: when it begins to match, by a change or by time.

    Those who are in it at the first build do not count, unless they were asked to be told of.
    """

    name, title, category, icon = "segment_entered", "Segment entered", "contact", "filter"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        segment_id = colander.SchemaNode(
            colander.String(), validator=colander.uuid, title="Segment", ui={"widget": "segment"}
        )

    def event_name(self, config: Mapping[str, Any]) -> str:
        return "segment.entered"

    def accepts(self, event: TriggerEvent, config: Mapping[str, Any]) -> bool:
        return event.data.get("segment_id") == config["segment_id"].lower()

    def summary(self, config: Mapping[str, Any]) -> str:
        return "When a contact enters a segment"
