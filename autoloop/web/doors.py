"""Two doors to one tree: pages at the tree's own paths, JSON behind /api/v1."""

from __future__ import annotations

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request

API_ROUTE = "api"


class ApiPath:
    """The pattern has no slash before its star, so `/api/v10/w` would match without this."""

    def __init__(self, value: bool, _config: Configurator) -> None:
        self.value = value

    def text(self) -> str:
        return f"api_path = {self.value}"

    phash = text

    def __call__(self, _info: Any, request: Request) -> bool:
        path = request.path_info
        return path == "/api/v1" or path.startswith("/api/v1/")


def open_doors(config: Configurator, root_factory: Any) -> None:
    """Serve one tree twice: as pages at its own paths, as JSON behind the route."""
    config.registry.root_class = root_factory
    config.set_root_factory(root_factory)
    config.add_route(API_ROUTE, "/api/v1*traverse", factory=root_factory, api_path=True)


def includeme(config: Configurator) -> None:
    config.add_route_predicate("api_path", ApiPath)
    config.add_directive("open_doors", open_doors)
