"""The table of contents: which rooms there are, in which order."""

from __future__ import annotations

from pyramid.config import Configurator

from autoloop.base.runtime import Runtime
from autoloop.settings import Settings

__all__ = ["configure"]

ROOMS = (
    "autoloop.web",
    "autoloop.root",
    "autoloop.accounts",
    "autoloop.workspaces",
    "autoloop.businesses",
    "autoloop.engine",
    "autoloop.mail",
    "autoloop.workflows",
    "autoloop.ops",
)


def configure(settings: Settings, ini: dict[str, str] | None = None) -> Configurator:
    """A configurator with every room included, not yet committed."""
    config = Configurator(settings=ini or {})
    config.include("autoloop.base.registrations")
    registry = config.registry
    registry.runtime = Runtime(settings, registry.registrations)
    config.include("autoloop.plugins.registry")
    for room in ROOMS:
        config.include(room)
    return config
