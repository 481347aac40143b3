"""Tenants: workspaces, their members, keys, settings and audit."""

from __future__ import annotations

from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.i18n import _
from autoloop.web.permissions import Permission


def includeme(config: Configurator) -> None:
    from autoloop.workspaces import resources
    from autoloop.workspaces.services.calendars import load_workspaces
    from autoloop.workspaces.services.members import members_to_choose

    config.registry.registrations.fact_loaders["workspace"] = load_workspaces
    config.registry.registrations.fact_loaders["member_choices"] = members_to_choose
    root = config.registry.root_class
    config.add_child(root, "w", resources.Workspaces)
    config.add_child(resources.Workspace, "settings", resources.Settings)
    config.add_child(resources.Workspace, "members", resources.Members)
    config.add_child(resources.Workspace, "api-keys", resources.ApiKeys)
    config.add_child(resources.Workspace, "audit", resources.Audit)
    config.include("autoloop.workspaces.credentials")
    config.include("autoloop.workspaces.invitations")
    config.include("autoloop.workspaces.notifications")
    config.include("autoloop.workspaces.search")
    config.scan("autoloop.workspaces.views")
    config.scan("autoloop.workspaces.pages")
    config.add_view(start, context=root, request_method="GET", permission=Permission.PUBLIC)
    config.add_nav("", _("Overview"), "layout-dashboard", order=0, key="o")
    config.add_nav("settings", _("Workspace"), "settings", section="Manage", order=80, key="s")
    config.add_nav("members", _("Members"), "users", section="Manage", order=82)
    config.add_nav(
        "api-keys",
        _("API keys"),
        "key-round",
        section="Manage",
        order=84,
        permission=Permission.MANAGE_KEYS,
    )
    config.add_nav(
        "audit",
        _("Audit"),
        "shield",
        section="Manage",
        order=88,
        permission=Permission.MANAGE_WORKSPACE,
    )


def start(context: Any, request: Request) -> HTTPSeeOther:
    """The first page is the caller's workspaces."""
    return HTTPSeeOther(f"{request.application_url}/w")
