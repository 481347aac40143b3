"""Places of people in the tree: /auth/{method} and /me."""

from __future__ import annotations

from typing import Any, ClassVar

from pyramid.authorization import Allow, Authenticated

from autoloop.accounts import services
from autoloop.base.errors import Unauthenticated
from autoloop.plugins.auth import AuthMethod
from autoloop.web.permissions import Permission
from autoloop.web.tree import Collection, Node, Row

__all__ = ["Auth", "Me", "Method", "OwnSession", "OwnSessions"]


class Method(Node):
    """One way to sign in."""

    parameter: ClassVar = "method"

    def __init__(self, parent: Node, name: str, plugin: AuthMethod) -> None:
        super().__init__(parent, name)
        self.plugin = plugin


class Auth(Node):
    """Signing in, up and out. Open to everybody."""

    row_node: ClassVar = Method

    def member(self, name: str) -> Node:
        plugin = self.request.services(services.SignIn).method(name)
        if plugin is None:
            raise KeyError(name)
        return Method(self, name, plugin)


class Me(Node):
    """The caller. What changes the account takes a session; a key may only look."""

    __acl__: ClassVar = [(Allow, Authenticated, Permission.OWN_ACCOUNT)]

    def guard(self) -> None:
        if self.request.identity is None:
            raise Unauthenticated

    @property
    def row(self) -> Any:
        return self.request.services(services.Users).get(self.request.identity.user_id)


class OwnSession(Row):
    """One browser of the caller's."""

    def load(self) -> Any | None:
        held = self.request.services(services.Sessions).of(self.request.identity.user_id)
        return next((each for each in held if each.id == self.id), None)


class OwnSessions(Collection):
    """The browsers in which the caller is signed in."""

    row_node = OwnSession
