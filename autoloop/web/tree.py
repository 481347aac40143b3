"""Nodes of the resource tree: thin, lazy, and the same behind both doors."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar
from urllib.parse import quote
from uuid import UUID

from pyramid.config import Configurator
from pyramid.decorator import reify
from pyramid.events import ContextFound
from pyramid.location import lineage
from pyramid.request import Request
from pyramid.traversal import resource_path

from autoloop.base.errors import NotFound
from autoloop.base.ids import parse_id

__all__ = ["Collection", "Node", "Row", "api_path", "api_url"]


class Node:
    """A place in the tree. Children come from `config.add_child(Parent, name, Child)`."""

    def __init__(self, parent: Node | None, name: str) -> None:
        self.__parent__ = parent
        self.__name__ = name

    @property
    def request(self) -> Request:
        assert self.__parent__ is not None
        return self.__parent__.request

    def __getitem__(self, name: str) -> Node:
        children = self.request.registrations.children
        for cls in type(self).__mro__:
            child = children.get(cls, {}).get(name)
            if child is not None:
                return child(self, name)
        return self.member(name)

    def member(self, name: str) -> Node:
        """The child that is data, not structure. KeyError where there is none of that name."""
        raise KeyError(name)

    def guard(self) -> None:
        """Raise Unauthenticated or NotFound before any view is looked for. Inherited by what is below."""


class Row(Node):
    """One row. Loaded once, when first asked for, through the parent's chain."""

    def __init__(self, parent: Collection, name: str, id: UUID) -> None:
        super().__init__(parent, name)
        self.id = id

    def load(self) -> Any | None:
        """The row, or None. Must not look beyond the parent's tenant."""
        raise NotImplementedError

    @reify
    def row(self) -> Any:
        row = self.load()
        if row is None:
            raise NotFound
        return row

    @property
    def etag(self) -> str | None:
        """Changes whenever the row does; None where the row has no `updated_at`."""
        changed = getattr(self.row, "updated_at", None)
        if changed is None:
            return None
        return hashlib.sha256(f"{self.id}:{changed.isoformat()}".encode()).hexdigest()[:20]


class Collection(Node):
    """Rows by id. The shape of the id is checked here; whether it exists, when it is loaded."""

    row_node: ClassVar[type[Row]]

    def member(self, name: str) -> Node:
        id = parse_id(name)
        if id is None:
            raise KeyError(name)
        return self.row_node(self, name, id)


def api_path(node: Node, *elements: object) -> str:
    """The path of a node behind the JSON door. `resource_url` gives the page's."""
    path = resource_path(node).rstrip("/")
    return "/api/v1" + path + "".join("/" + quote(str(element), safe="@") for element in elements)


def api_url(request: Request, node: Node, *elements: object) -> str:
    return request.application_url.rstrip("/") + api_path(node, *elements)


def add_child(config: Configurator, parent: type[Node], name: str, child: type[Node]) -> None:
    """Hang a node class below another: `/…parent…/name`."""
    children = config.registry.registrations.children.setdefault(parent, {})
    if name in children:
        raise ValueError(f"{parent.__name__} already has a child “{name}”")
    children[name] = child


def check_guards(event: ContextFound) -> None:
    """From the root down, so that the outermost reason to refuse is the one given.

    It runs before the view look-up: a stranger cannot tell a wrong method, a missing row or a
    malformed id from a workspace that does not exist.
    """
    for node in reversed(list(lineage(event.request.context))):
        guard = getattr(node, "guard", None)
        if guard is not None:
            guard()


def includeme(config: Configurator) -> None:
    config.add_directive("add_child", add_child)
    config.add_subscriber(check_guards, ContextFound)
    config.add_request_method(api_url, "api_url")
