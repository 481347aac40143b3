"""The root of the tree, and what holds everywhere below it."""

from __future__ import annotations

from typing import ClassVar

from pyramid.authorization import Allow, Authenticated, Everyone
from pyramid.config import Configurator
from pyramid.request import Request

from autoloop.web.permissions import Permission
from autoloop.web.policy import INSTANCE_ADMIN
from autoloop.web.tree import Node

__all__ = ["Root"]


class Root(Node):
    """The instance. Its administrators may do what concerns all tenants, never read a tenant's rows."""

    __acl__: ClassVar = [
        (Allow, Everyone, Permission.PUBLIC),
        (Allow, Authenticated, Permission.SIGNED_IN),
        (Allow, INSTANCE_ADMIN, Permission.INSTANCE_ADMIN),
    ]

    def __init__(self, request: Request) -> None:
        super().__init__(None, "")
        self._request = request

    @property
    def request(self) -> Request:
        return self._request


def includeme(config: Configurator) -> None:
    config.open_doors(Root)
