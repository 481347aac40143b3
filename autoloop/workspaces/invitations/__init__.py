"""Invitations: letting in people by their address, whether or not they have an account."""

from __future__ import annotations

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    from autoloop.workspaces import resources as tree
    from autoloop.workspaces.invitations import resources

    config.add_child(tree.Workspace, "invitations", resources.Invitations)
    config.scan("autoloop.workspaces.invitations.views")
    config.scan("autoloop.workspaces.invitations.pages")
    config.scan("autoloop.workspaces.invitations.joining")
