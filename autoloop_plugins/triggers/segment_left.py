"""Segment left: a run when a contact leaves a segment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import Trigger, TriggerEvent

__all__ = ["SegmentLeft"]


class SegmentLeft(Trigger):
    """Starts when a contact leaves a segment: when it no longer matches, by a change or by time.

    A contact that is deleted, or whose segment is, has not left it.
    """

    name, title, category, icon = "segment_left", "Segment left", "contact", "filter"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        segment_id = colander.SchemaNode(
            colander.String(), validator=colander.uuid, title="Segment", ui={"widget": "segment"}
        )

    def event_name(self, config: Mapping[str, Any]) -> str:
        return "segment.left"

    def accepts(self, event: TriggerEvent, config: Mapping[str, Any]) -> bool:
        return event.data.get("segment_id") == config["segment_id"].lower()

    def summary(self, config: Mapping[str, Any]) -> str:
        return "When a contact leaves a segment"
