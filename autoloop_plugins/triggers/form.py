"""Form: a run whenever a person fills in a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import Trigger, TriggerEvent
from autoloop.plugins.conditions import ConditionType
from autoloop_plugins.triggers.asking import event_only

__all__ = ["FormTrigger"]


class FormTrigger(Trigger):
    """Starts when a person fills in one of the workspace's forms.

    What they said is at `event.data.fields` in conditions and templates.
    """

    name, title, category, icon = "form", "Form", "event", "file-text"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        form_id = colander.SchemaNode(
            colander.String(), validator=colander.uuid, title="Form", ui={"widget": "form"}
        )
        condition = colander.SchemaNode(
            ConditionType(), missing=None, title="Only if", ui={"roots": ["event"]}, validator=event_only
        )

    def event_name(self, config: Mapping[str, Any]) -> str:
        return "form.submitted"

    def accepts(self, event: TriggerEvent, config: Mapping[str, Any]) -> bool:
        if event.data.get("form_id") != config["form_id"].lower():
            return False
        return config["condition"] is None or config["condition"].test(event)

    def summary(self, config: Mapping[str, Any]) -> str:
        return "When a form is filled in"
