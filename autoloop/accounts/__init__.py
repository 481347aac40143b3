"""People: accounts, sessions, sign-in, API keys."""

from __future__ import annotations

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    from autoloop.accounts import identity, resources

    registrations = config.registry.registrations
    registrations.identity_finders += [identity.by_api_key, identity.by_session]
    root = config.registry.root_class
    config.add_child(root, "auth", resources.Auth)
    config.add_child(root, "me", resources.Me)
    config.add_child(resources.Me, "sessions", resources.OwnSessions)
    config.scan("autoloop.accounts.views")
    config.scan("autoloop.accounts.pages")
