"""Businesses and their contacts, what is known of them, and how they come in and go out."""

from __future__ import annotations

from pyramid.config import Configurator

EVENTS = {
    "contact.created": "A contact was made",
    "contact.updated": "A contact was changed",
    "tag.added": "A contact that was there already was given a tag",
}


def includeme(config: Configurator) -> None:
    from autoloop.businesses.services.facts import load_contacts
    from autoloop.businesses.services.imports import KIND

    registrations = config.registry.registrations
    registrations.event_names |= EVENTS
    registrations.fact_loaders["contact"] = load_contacts
    registrations.due_kinds[KIND.name] = KIND
