"""Who asks: an API key in the Authorization header, else the session of the cookies."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid_tm import is_tm_active
from sqlalchemy import Row

from autoloop.accounts import cookies
from autoloop.accounts.services import ApiKeys, Sessions
from autoloop.base.services import Services
from autoloop.web.policy import Identity

__all__ = ["by_api_key", "by_session"]


def _services(request: Request) -> Services:
    # Not `request.services`: that one asks for the identity.
    return request.runtime.services(request.db)


def by_api_key(request: Request) -> Identity | None:
    """The person and workspace of a key that holds now."""
    scheme, _space, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not is_tm_active(request):
        return None
    row = _services(request)(ApiKeys).recognise(value.strip())
    if row is None:
        return None
    return Identity(
        kind="api_key",
        key_id=row.key_id,
        key_workspace_id=row.workspace_id,
        scopes=frozenset(row.scopes),
        **_person(row),
    )


def by_session(request: Request) -> Identity | None:
    """The person of a session; renews it unseen. Whoever sends an Authorization header has no cookies."""
    if "Authorization" in request.headers or not is_tm_active(request):
        return None
    access, refresh = cookies.read(request)
    row = _services(request)(Sessions).recognise(access) if access else None
    if row is None and refresh:
        row = _renewed(request, refresh)
    if row is None:
        return None
    return Identity(kind="session", session_id=row.session_id, **_person(row))


def _renewed(request: Request, refresh: str) -> Row[Any] | None:
    # Its own transaction: the browser gets the new cookies even if this request fails.
    with request.runtime.unit("web") as services:
        found = services(Sessions).renew(refresh)
    if found is None:
        cookies.drop(request)
        return None
    row, tokens = found
    cookies.give(request, tokens)
    return row


def _person(row: Row[Any]) -> dict[str, Any]:
    fields = ("user_id", "name", "email", "is_admin", "timezone", "locale")
    return {field: getattr(row, field) for field in fields}
