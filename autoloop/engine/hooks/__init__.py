"""Incoming webhooks: secret addresses that take JSON and start runs of the contact it names."""

from __future__ import annotations

from typing import Any

from pyramid.config import Configurator

__all__ = ["EVENT", "includeme"]

EVENT = "webhook.received"


def includeme(config: Configurator) -> None:
    from autoloop.base.i18n import _
    from autoloop.engine.hooks.gate import Gate
    from autoloop.engine.hooks.resources import Hooks
    from autoloop.web.permissions import Permission
    from autoloop.workspaces.resources import Workspace

    registry: Any = config.registry
    registry.registrations.event_names[EVENT] = "A body came in through a webhook"
    registry.hook_gate = Gate(registry.runtime)
    config.add_subscriber("autoloop.engine.hooks.door.open_door", "pyramid.events.ApplicationCreated")
    config.add_child(Workspace, "webhooks", Hooks)  # type: ignore[attr-defined]
    config.add_nav(  # type: ignore[attr-defined]
        "webhooks", _("Webhooks"), "webhook", section="Manage", order=70, permission=Permission.PUBLISH
    )
    config.scan("autoloop.engine.hooks.views")
    config.scan("autoloop.engine.hooks.pages")
