"""Who asks, and what the tree allows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pyramid.authorization import ACLHelper, Authenticated, Everyone
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.security import Denied

from autoloop.web.permissions import Permission, allowed
from autoloop.web.places import PROBES

__all__ = ["INSTANCE_ADMIN", "Identity", "Policy"]

INSTANCE_ADMIN = "instance.admin"


@dataclass(frozen=True)
class Identity:
    """The person behind a request, and how they proved it.

    `kind` is "session" or "api_key"; a key has scopes and belongs to one workspace.
    """

    user_id: UUID
    kind: str
    name: str = ""
    email: str = ""
    is_admin: bool = False
    session_id: UUID | None = None
    key_id: UUID | None = None
    key_workspace_id: UUID | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)
    timezone: str = "UTC"
    locale: str = "en"

    @property
    def principal(self) -> str:
        """Stable name of the login's owner for limits and idempotency."""
        return f"key:{self.key_id}" if self.key_id else f"user:{self.user_id}"


class Policy:
    """Identity from the first finder that knows the caller; rights from the ACLs of the lineage."""

    def __init__(self) -> None:
        self._acl = ACLHelper()

    def identity(self, request: Request) -> Identity | None:
        return request.found_identity

    def authenticated_userid(self, request: Request) -> str | None:
        identity = request.identity
        return str(identity.user_id) if identity else None

    def permits(self, request: Request, context: Any, permission: str) -> Any:
        identity = request.identity
        principals = [Everyone]
        if identity is not None:
            if not allowed(identity.kind, identity.scopes, Permission(permission)):
                return Denied("this API key's scope does not allow it")
            principals += [Authenticated, f"user:{identity.user_id}"]
            if identity.is_admin:
                principals.append(INSTANCE_ADMIN)
        return self._acl.permits(context, principals, permission)

    def remember(self, request: Request, userid: str, **_: Any) -> list[tuple[str, str]]:
        return []

    def forget(self, request: Request, **_: Any) -> list[tuple[str, str]]:
        return []


def find_identity(request: Request) -> Identity | None:
    if request.path_info in PROBES:  # a database that is gone must not make a living process look dead
        return None
    for finder in request.registrations.identity_finders:
        identity = finder(request)
        if identity is not None:
            return identity
    return None


def includeme(config: Configurator) -> None:
    config.add_request_method(find_identity, "found_identity", reify=True)
    config.set_security_policy(Policy())
