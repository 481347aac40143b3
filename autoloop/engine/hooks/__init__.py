"""Incoming webhooks: secret addresses that take JSON and start runs of the contact it names."""

from __future__ import annotations

from typing import Any

from pyramid.config import Configurator

__all__ = ["EVENT", "includeme"]

EVENT = "webhook.received"


def includeme(config: Configurator) -> None:
    from pyramid.tweens import INGRESS

    from autoloop.base.i18n import _
    from autoloop.engine.hooks.gate import Gate
    from autoloop.engine.hooks.resources import Hooks
    from autoloop.web.permissions import Permission
    from autoloop.workspaces.resources import Workspace

    registry: Any = config.registry
    registry.registrations.event_names[EVENT] = "A body came in through a webhook"
    registry.hook_gate = Gate(registry.runtime)
    # Outside of everything else: such a call has no session, no form, no page; what it costs is what
    # it writes.
    config.add_tween(
        "autoloop.engine.hooks.door.door",
        under=INGRESS,
        over=("autoloop.web.traffic.readable", "autoloop.web.headers.headers"),
    )
    config.add_child(Workspace, "webhooks", Hooks)  # type: ignore[attr-defined]
    config.add_nav(  # type: ignore[attr-defined]
        "webhooks", _("Webhooks"), "webhook", section="Manage", order=70, permission=Permission.PUBLISH
    )
    config.scan("autoloop.engine.hooks.views")
    config.scan("autoloop.engine.hooks.pages")
