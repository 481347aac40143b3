"""The two cookies of a session, and where a sign-in may lead."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pyramid.request import Request
from pyramid.response import Response

from autoloop.accounts.services.sessions import Tokens
from autoloop.accounts.tokens import ACCESS

__all__ = ["drop", "give", "landing", "read"]

DAY = 86_400


def _names(request: Request) -> tuple[str, str, bool]:
    secure = request.runtime.settings.cookie_secure
    prefix = "__Host-" if secure else ""
    return f"{prefix}access", f"{prefix}refresh", secure


def read(request: Request) -> tuple[str | None, str | None]:
    """The access and the refresh token, as sent."""
    access, refresh, _secure = _names(request)
    return request.cookies.get(access), request.cookies.get(refresh)


def give(request: Request, tokens: Tokens) -> None:
    """Set both cookies on whatever the answer will be, an error too."""
    access, refresh, secure = _names(request)
    days = request.runtime.settings.session_days
    options: dict[str, Any] = {"path": "/", "secure": secure, "httponly": True, "samesite": "Lax"}

    def on_answer(_request: Request, response: Response) -> None:
        response.set_cookie(access, tokens.access, max_age=int(ACCESS.total_seconds()), **options)
        response.set_cookie(refresh, tokens.refresh, max_age=days * DAY, **options)
        response.cache_control = "no-store"

    request.add_response_callback(on_answer)


def drop(request: Request) -> None:
    """Take both cookies away."""
    access, refresh, secure = _names(request)

    def on_answer(_request: Request, response: Response) -> None:
        for name in (access, refresh):
            response.set_cookie(name, "", max_age=0, path="/", secure=secure, httponly=True, samesite="Lax")

    request.add_response_callback(on_answer)


def landing(wanted: object) -> str:
    """A place of ours to go to after sign-in; never another site."""
    if (
        isinstance(wanted, str)
        and wanted.startswith("/")
        and wanted[1:2] not in ("/", "\\")
        and wanted.isprintable()
    ):
        return quote(wanted, safe="/?&=#%+:;,@!$'()*~[]")  # a header takes no other letters
    return "/w"
