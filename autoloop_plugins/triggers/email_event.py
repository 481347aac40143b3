"""Email event: a run when a contact opens, clicks, answers, or when an email comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import Trigger, TriggerEvent

__all__ = ["EmailEvent"]

HAPPENS = {
    "opened": "opens an email",
    "clicked": "follows a link",
    "replied": "answers an email",
    "bounced": "has an email come back",
    "unsubscribed": "unsubscribes",
}


class EmailEvent(Trigger):
    """Starts when something becomes of an email: opened, clicked, replied, bounced, unsubscribed.

    With a workflow chosen, only emails of that workflow count; with a template, only those made of it, in
    whatever version.
    """

    name, title, category, icon = "email_event", "Email event", "event", "mail-open"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        happens = colander.SchemaNode(
            colander.String(), validator=colander.OneOf(list(HAPPENS)), title="What happens"
        )
        workflow_id = colander.SchemaNode(
            colander.String(),
            validator=colander.uuid,
            missing=None,
            title="Emails of the workflow",
            description="Empty for any email",
            ui={"widget": "workflow"},
        )
        template_id = colander.SchemaNode(
            colander.String(),
            validator=colander.uuid,
            missing=None,
            title="Emails of the template",
            description="Empty for any email",
            ui={"widget": "template"},
        )

    def event_name(self, config: Mapping[str, Any]) -> str:
        return f"email.{config['happens']}"

    def accepts(self, event: TriggerEvent, config: Mapping[str, Any]) -> bool:
        wanted = {name: config[name] for name in ("workflow_id", "template_id") if config[name] is not None}
        return all(event.data.get(name) == id.lower() for name, id in wanted.items())

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"When a contact {HAPPENS[config['happens']]}"
