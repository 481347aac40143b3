"""Figures of a workspace's first page: each domain brings its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoloop.base.services import Services

__all__ = ["overview_facts", "overview_list"]


def overview_facts(services: Services) -> list[Mapping[str, Any]]:
    """What the domains say about the workspace: mappings of title, value, note and path below it ("contacts").

    A domain adds its own at start: `registrations.fact_loaders.setdefault("overview", []).append(load)`
    with `load(services)` returning a list of such mappings; note and path may be left out.
    """
    loaders: Any = services.registrations.fact_loaders.get("overview", ())
    return [fact for load in loaders for fact in load(services)]


def overview_list(services: Services, name: str) -> list[Mapping[str, Any]]:
    """What the registered loader says of `name` ("attention", "checklist", "daily"); nothing where there is none."""
    loader: Any = services.registrations.fact_loaders.get(name)
    return loader(services) if loader else []
