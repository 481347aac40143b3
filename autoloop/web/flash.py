"""Sentences that survive one redirect, in a signed cookie. Nothing about who is signed in."""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.session import JSONSerializer, SignedCookieSessionFactory

from autoloop.base.crypto import Keyring

__all__ = ["say"]


def say(request: Request, message: str, *, refused: bool = False) -> None:
    """A sentence that the next page shows, in the reader's language: what was done, or why it was not."""
    request.session.flash(request.localizer.translate(message), "bad" if refused else "")


def includeme(config: Configurator) -> None:
    settings = config.registry.runtime.settings
    config.set_session_factory(
        SignedCookieSessionFactory(
            Keyring(settings.secret_keys).derive("flash").hex(),
            cookie_name="__Host-flash" if settings.cookie_secure else "flash",
            serializer=JSONSerializer(),
            secure=settings.cookie_secure,
            httponly=True,
            samesite="Lax",
            timeout=3600,
            reissue_time=600,
        )
    )
