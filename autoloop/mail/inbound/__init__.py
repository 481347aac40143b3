"""What providers tell of mail: /inbound/{provider}/{account}."""

from __future__ import annotations

from pyramid.config import Configurator

__all__ = ["includeme"]


def includeme(config: Configurator) -> None:
    from autoloop.mail.inbound.resources import Inbound

    config.add_child(config.registry.root_class, "inbound", Inbound)  # type: ignore[attr-defined]
    config.scan("autoloop.mail.inbound.views")
