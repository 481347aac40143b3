"""Credentials: named secrets of a workspace that steps may be granted."""

from __future__ import annotations

from pyramid.config import Configurator

from autoloop.base.i18n import _
from autoloop.web.permissions import Permission


def includeme(config: Configurator) -> None:
    from autoloop.workspaces import resources as tree
    from autoloop.workspaces.credentials import resources
    from autoloop.workspaces.credentials.granting import existing, opened, to_choose

    registrations = config.registry.registrations
    registrations.fact_loaders["credential_exists"] = existing
    registrations.fact_loaders["credentials"] = opened
    registrations.fact_loaders["credential_choices"] = to_choose
    config.add_child(tree.Workspace, "credentials", resources.Credentials)
    config.scan("autoloop.workspaces.credentials.views")
    config.scan("autoloop.workspaces.credentials.pages")
    config.add_nav(
        "credentials",
        _("Credentials"),
        "lock",
        section="Manage",
        order=86,
        permission=Permission.MANAGE_CREDENTIALS,
    )
