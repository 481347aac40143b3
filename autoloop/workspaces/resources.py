"""Places of tenants in the tree: /w/{workspace} and what a workspace has of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from pyramid.authorization import DENY_ALL, Allow, Authenticated
from pyramid.decorator import reify
from pyramid.httpexceptions import HTTPPermanentRedirect
from pyramid.request import Request
from pyramid.traversal import quote_path_segment

from autoloop.accounts.services import ApiKeys as KeyService
from autoloop.base.errors import NotFound, Unauthenticated
from autoloop.web.permissions import ROLES, Permission
from autoloop.web.tree import Collection, Node, Row
from autoloop.workspaces import services
from autoloop.workspaces.slugs import SHAPE

__all__ = ["ApiKey", "ApiKeys", "Audit", "Member", "Members", "Settings", "Workspace", "Workspaces"]


class Workspace(Node):
    """A tenant, loaded with the caller's role and the generations in one statement.

    Strangers and members of other workspaces cannot tell it from one that does not exist.
    """

    parameter: ClassVar = "workspace"

    # Closed until the guard has let the caller in; an answer to a stranger is drawn on such a node.
    role: str = ""
    generations: dict[str, int] | None = None
    __acl__: Any = (DENY_ALL,)

    @reify
    def row(self) -> Any:
        identity = self.request.identity
        row = self.request.services(services.Workspaces).place(self.__name__, identity.user_id)
        if row is None or identity.key_workspace_id not in (None, row.id):
            raise NotFound
        return row

    @property
    def title(self) -> str:
        """The workspace's name, for the frame of its pages."""
        name: str = self.row.name
        return name

    def guard(self) -> None:
        row = self.row
        if row.slug != self.__name__:
            raise HTTPPermanentRedirect(_with_slug(self.request, self.__name__, row.slug))
        self.request.services.enter(row.id)
        user = f"user:{self.request.identity.user_id}"
        self.role, self.generations = row.role, dict(row.generations)
        self.__acl__ = [(Allow, user, (*ROLES[row.role], Permission.SIGNED_IN)), DENY_ALL]


def _with_slug(request: Request, old: str, new: str) -> str:
    """The same address under the workspace's present slug. 308 keeps method and body."""
    path = request.path_info.replace(f"/w/{old}", f"/w/{new}", 1)
    query = f"?{request.query_string}" if request.query_string else ""
    return str(
        request.application_url + "/".join(quote_path_segment(part) for part in path.split("/")) + query
    )


class Workspaces(Node):
    """The caller's workspaces."""

    __acl__: ClassVar = [(Allow, Authenticated, Permission.CREATE_WORKSPACE)]
    row_node: ClassVar = Workspace

    def guard(self) -> None:
        if self.request.identity is None:
            raise Unauthenticated

    def member(self, name: str) -> Node:
        if not SHAPE.match(name):
            raise KeyError(name)
        return Workspace(self, name)


class Settings(Node):
    """Name, address and time zone of the workspace."""

    @property
    def row(self) -> Any:
        return self.request.services(services.Workspaces).current()


class Member(Row):
    """A person in the workspace; the id is the person's."""

    def load(self) -> Any | None:
        return self.request.services(services.Members).find(self.id)


class Members(Collection):
    """Who is in the workspace."""

    row_node = Member


class ApiKey(Row):
    """A key of an outside service. Its text is not kept."""

    def load(self) -> Any | None:
        return self.request.services(KeyService).find(self.id)


class ApiKeys(Collection):
    """The keys of the workspace."""

    row_node = ApiKey


class Audit(Node):
    """Who changed rights, secrets and settings of the workspace."""
