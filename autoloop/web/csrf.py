"""CSRF tokens: bound to this browser and, once signed in, to this session; compared in constant time."""

from __future__ import annotations

import hmac

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.util import strings_differ

from autoloop.base.crypto import Keyring, new_token

__all__ = ["BoundTokens"]

PURPOSE = "csrf"
YEAR = 31_536_000


class BoundTokens:
    """A token is the keyring's signature over a random cookie and the session's id.

    A sibling domain that plants a cookie cannot make the signature, and a token from before
    sign-in is worth nothing after it.
    """

    def __init__(self, keyring: Keyring, *, secure: bool) -> None:
        self.keyring = keyring
        self.name = "__Host-csrf" if secure else "csrf"
        self.secure = secure

    def new_csrf_token(self, request: Request) -> str:
        seed = new_token(18)
        request.cookies[self.name] = seed

        def set_cookie(_request: Request, response: Response) -> None:
            response.set_cookie(
                self.name, seed, max_age=YEAR, secure=self.secure, httponly=True, samesite="Lax", path="/"
            )

        request.add_response_callback(set_cookie)
        return self._token(request, seed)

    def get_csrf_token(self, request: Request) -> str:
        seed = request.cookies.get(self.name)
        return self._token(request, seed) if seed else self.new_csrf_token(request)

    def check_csrf_token(self, request: Request, supplied_token: str) -> bool:
        seed = request.cookies.get(self.name)
        if not seed or not isinstance(supplied_token, str):  # a form may send a file in its place
            return False
        return not strings_differ(self._token(request, seed).encode(), supplied_token.encode())

    def _token(self, request: Request, seed: str) -> str:
        identity = request.identity
        session = str(identity.session_id) if identity and identity.session_id else ""
        return hmac.new(self.keyring.derive(PURPOSE), f"{seed}:{session}".encode(), "sha256").hexdigest()


def needs_token(request: Request) -> bool:
    """All unsafe requests but those that carry their proof in a header no other site can set."""
    return "Authorization" not in request.headers


def includeme(config: Configurator) -> None:
    settings = config.registry.runtime.settings
    config.set_csrf_storage_policy(BoundTokens(Keyring(settings.secret_keys), secure=settings.cookie_secure))
    config.set_default_csrf_options(
        require_csrf=True,
        token="csrf_token",  # noqa: S106 - the field's name
        header="X-CSRF-Token",
        check_origin=True,
        callback=needs_token,
    )
