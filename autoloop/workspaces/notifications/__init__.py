"""Notifications: what a workspace tells its members, in the dashboard and by email."""

from __future__ import annotations

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request


def includeme(config: Configurator) -> None:
    from autoloop.workspaces import resources as tree
    from autoloop.workspaces.notifications import resources
    from autoloop.workspaces.notifications.following import erase, merge
    from autoloop.workspaces.notifications.keeping import KIND
    from autoloop.workspaces.notifications.telling import notify

    registrations = config.registry.registrations
    registrations.effect_handlers["notify"] = notify
    registrations.due_kinds[KIND.name] = KIND
    registrations.erasers["notifications"] = erase
    registrations.mergers["notifications"] = merge
    config.add_child(tree.Workspace, "notifications", resources.Notifications)
    config.add_request_method(unread, "unread_notifications", reify=True)
    config.scan("autoloop.workspaces.notifications.views")
    config.scan("autoloop.workspaces.notifications.pages")


def unread(request: Request) -> int | None:
    """How many notifications wait for the person, for the bell; None where there is no bell."""
    from autoloop.workspaces.notifications.services import Notifications

    node: Any = request.workspace_node
    if node is None or request.identity is None:
        return None
    return request.services(Notifications).unread()
