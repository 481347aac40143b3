"""Tenants: workspaces, their members, keys, settings and audit."""

from __future__ import annotations

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    from autoloop.workspaces import resources

    config.add_child(config.registry.root_class, "w", resources.Workspaces)
    config.add_child(resources.Workspace, "settings", resources.Settings)
    config.add_child(resources.Workspace, "members", resources.Members)
    config.add_child(resources.Workspace, "api-keys", resources.ApiKeys)
    config.add_child(resources.Workspace, "audit", resources.Audit)
    config.scan("autoloop.workspaces.views")
    config.scan("autoloop.workspaces.pages")
