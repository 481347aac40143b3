"""Search over all that a workspace holds."""

from __future__ import annotations

from typing import Any

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    from autoloop.workspaces.resources import Workspace
    from autoloop.workspaces.search.resources import Search

    tree: Any = config
    tree.add_child(Workspace, "search", Search)
    config.scan("autoloop.workspaces.search.views")
    config.scan("autoloop.workspaces.search.pages")
