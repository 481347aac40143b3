"""Mail: templates, senders, and every email from intent to its last known fate."""

from __future__ import annotations

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    from autoloop.mail.delivery import DUE_KINDS

    registrations = config.registry.registrations
    registrations.due_kinds |= {kind.name: kind for kind in DUE_KINDS}
