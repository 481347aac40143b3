"""Places of providers' webhooks in the tree: /inbound/{provider}/{account}."""

from __future__ import annotations

import re
from typing import ClassVar
from uuid import UUID

from pyramid.authorization import Allow, Everyone

from autoloop.base.ids import parse_id
from autoloop.web.permissions import Permission
from autoloop.web.tree import Node

__all__ = ["Inbound", "InboundAccount", "InboundProvider"]

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


class InboundAccount(Node):
    """One account's webhook. What proves a call is in the call itself."""

    account_id: UUID
    provider: str


class InboundProvider(Node):
    """The webhooks of one provider."""

    def member(self, name: str) -> Node:
        id = parse_id(name)
        if id is None:
            raise KeyError(name)
        node = InboundAccount(self, name)
        node.account_id, node.provider = id, self.__name__
        return node


class Inbound(Node):
    """`/inbound/{provider}/{account}`"""

    __acl__: ClassVar = [(Allow, Everyone, Permission.PUBLIC)]

    def member(self, name: str) -> Node:
        if not NAME.match(name):
            raise KeyError(name)
        return InboundProvider(self, name)
