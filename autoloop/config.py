"""The table of contents: which rooms there are, in which order."""

from __future__ import annotations

from typing import Any

from pyramid.config import Configurator

from autoloop.base.runtime import Runtime
from autoloop.headless import Headless
from autoloop.settings import Settings

__all__ = ["configure", "runtime_of"]

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
    return _furnished(Configurator(settings=ini or {}), settings)


def runtime_of(settings: Settings) -> Runtime:
    """The runtime alone, with all that rooms register and none of their views."""
    runtime: Runtime = _furnished(Headless(), settings).registry.runtime
    return runtime


def _furnished(config: Any, settings: Settings) -> Any:
    config.include("autoloop.base.registrations")
    registry = config.registry
    registry.runtime = Runtime(settings, registry.registrations)
    config.include("autoloop.plugins.registry")
    for room in ROOMS:
        config.include(room)
    return config
