"""Tag added: a run when a contact is given a tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import Trigger, TriggerEvent

__all__ = ["TagAdded"]


class TagAdded(Trigger):
    """Starts when a contact that is there already is given a tag: one by name, or any.

    A contact that is made with the tag starts `contact_created`, not this.
    """

    name, title, category, icon = "tag_added", "Tag added", "contact", "tag"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        tag = colander.SchemaNode(
            colander.String(),
            validator=colander.Length(1, 100),
            missing=None,
            title="Tag",
            description="Empty for any tag",
            ui={"widget": "tag"},
        )

    def event_name(self, config: Mapping[str, Any]) -> str:
        return "tag.added"

    def accepts(self, event: TriggerEvent, config: Mapping[str, Any]) -> bool:
        return config["tag"] is None or event.data.get("tag") == config["tag"]

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"When tagged “{config['tag']}”" if config["tag"] else "When given a tag"
