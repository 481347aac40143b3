"""A signed cookie for messages that survive one redirect. Nothing about who is signed in."""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.session import JSONSerializer, SignedCookieSessionFactory

from autoloop.base.crypto import Keyring


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
