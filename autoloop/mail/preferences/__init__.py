"""What recipients decide for themselves: unsubscribing, topics, pace, their data. No session, no cookie."""

from __future__ import annotations

from pyramid.config import Configurator

__all__: list[str] = []


def includeme(config: Configurator) -> None:
    from autoloop.mail.preferences.resources import PublicLinks

    config.add_child(config.registry.root_class, "t", PublicLinks)
    config.scan("autoloop.mail.preferences.pages")
    config.scan("autoloop.mail.preferences.own_data")
