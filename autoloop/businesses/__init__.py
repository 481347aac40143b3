"""Businesses and their contacts, what is known of them, and how they come in and go out."""

from __future__ import annotations

from functools import partial

from pyramid.config import Configurator

from autoloop.base.i18n import _

EVENTS = {
    "contact.created": "A contact was made",
    "contact.updated": "A contact was changed",
    "contact.merged": "Another contact was merged into this one",
    "tag.added": "A contact that was there already was given a tag",
    "tag.removed": "A tag was taken from a contact",
    "segment.entered": "A contact began to match a segment",
    "segment.left": "A contact no longer matches a segment",
}


def includeme(config: Configurator) -> None:
    from autoloop.businesses import resources
    from autoloop.businesses.questions import ConditionWidget
    from autoloop.businesses.services.business_effects import update_businesses
    from autoloop.businesses.services.choosing import LOADERS
    from autoloop.businesses.services.consents import export_consents, forget_consents
    from autoloop.businesses.services.facts import load_contacts, load_field_kinds
    from autoloop.businesses.services.finding import find_contact
    from autoloop.businesses.services.imports import KIND
    from autoloop.businesses.services.own_data import export_contact
    from autoloop.businesses.services.searching import SOURCES
    from autoloop.businesses.services.segments import KIND as SEGMENTS
    from autoloop.businesses.services.segments import existing_segments
    from autoloop.workspaces.resources import Workspace

    registrations = config.registry.registrations
    registrations.event_names |= EVENTS
    registrations.fact_loaders["contact"] = load_contacts
    registrations.fact_loaders["fields"] = load_field_kinds
    registrations.fact_loaders["find_contact"] = partial(find_contact, config.registry.runtime)
    registrations.exporters["contact"] = export_contact
    registrations.exporters["consent_history"] = export_consents
    registrations.erasers["consents"] = forget_consents
    registrations.effect_handlers["update_business"] = update_businesses
    registrations.fact_loaders["segment_exists"] = existing_segments
    registrations.fact_loaders |= LOADERS
    registrations.search_sources |= SOURCES
    config.add_widget("condition", ConditionWidget())
    registrations.due_kinds |= {KIND.name: KIND, SEGMENTS.name: SEGMENTS}
    for name in ("Businesses", "Contacts", "Fields", "Tags", "Topics", "Segments", "Imports", "Exports"):
        config.add_child(Workspace, name.lower(), getattr(resources, name))
    config.add_nav("businesses", _("Businesses"), "building-2", order=10, key="b")
    config.add_nav("contacts", _("Contacts"), "users", order=20, key="c")
    config.add_child(resources.Segment, "contacts", resources.SegmentContacts)
    config.add_nav("segments", _("Segments"), "filter", order=25, key="f")
    config.add_nav("topics", _("Topics"), "list", section="Manage", order=59)
    config.add_nav("imports", _("Import"), "upload", order=30, key="i")
    config.scan("autoloop.businesses.views")
    config.scan("autoloop.businesses.pages")
