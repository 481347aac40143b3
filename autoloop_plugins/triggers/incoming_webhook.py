"""Incoming webhook: a run whenever a body comes in at a secret address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import Trigger, TriggerEvent
from autoloop.plugins.conditions import ConditionType
from autoloop_plugins.triggers.asking import event_only

__all__ = ["IncomingWebhook"]


class IncomingWebhook(Trigger):
    """Starts when another program posts to one of the workspace's webhooks (Settings → Webhooks).

    The body is at `event.data.body` in conditions and templates. The webhook says which contact a body
    is about, and whether a new one is made.
    """

    name, title, category, icon = "incoming_webhook", "Incoming webhook", "event", "webhook"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        hook_id = colander.SchemaNode(
            colander.String(), validator=colander.uuid, title="Webhook", ui={"widget": "hook"}
        )
        condition = colander.SchemaNode(
            ConditionType(), missing=None, title="Only if", ui={"roots": ["event"]}, validator=event_only
        )

    def event_name(self, config: Mapping[str, Any]) -> str:
        return "webhook.received"

    def accepts(self, event: TriggerEvent, config: Mapping[str, Any]) -> bool:
        if event.data.get("hook_id") != config["hook_id"].lower():
            return False
        return config["condition"] is None or config["condition"].test(event)

    def summary(self, config: Mapping[str, Any]) -> str:
        return "When a webhook is called"
