"""Contact updated: a run when one of some fields of a contact changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import Trigger, TriggerEvent

__all__ = ["ContactUpdated"]

OWN = [
    "email",
    "first_name",
    "last_name",
    "title",
    "phone",
    "status",
    "consent",
    "tags",
    "timezone",
    "locale",
]


class ContactUpdated(Trigger):
    """Starts when fields of a contact change; with fields named, only when one of those does.

    Fields are named as in conditions: `title`, `status`, `tags`, `fields.plan`. Of a contact that an import
    changes, every field that its row gives counts. Tags that a workflow's step gives or takes start
    `tag_added`, not this.
    """

    name, title, category, icon = "contact_updated", "Contact updated", "contact", "user-pen"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        @colander.instantiate(
            missing=(),
            title="Fields",
            description="Any of these; none named means every change",
            validator=colander.Length(max=50),
            ui={"widget": "contact_fields", "own": OWN},
        )
        class fields(colander.SequenceSchema):  # type: ignore[misc] # noqa: N801 - it is the field's name
            field = colander.SchemaNode(
                colander.String(),
                validator=colander.Regex(r"^[a-z0-9_]{1,64}(\.[A-Za-z0-9_-]{1,64})?\Z"),
                title="Field",
            )

    def event_name(self, config: Mapping[str, Any]) -> str:
        return "contact.updated"

    def accepts(self, event: TriggerEvent, config: Mapping[str, Any]) -> bool:
        if not config["fields"]:
            return True
        changed = event.data.get("fields")
        return isinstance(changed, list) and not set(config["fields"]).isdisjoint(map(str, changed))

    def summary(self, config: Mapping[str, Any]) -> str:
        named = ", ".join(config["fields"])
        return f"When {named} changes" if named else "When a contact changes"
