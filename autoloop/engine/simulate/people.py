"""Whom a simulation is for: a contact of the workspace, read once, or an invented one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.base.services import Services
from autoloop.businesses.services import Contacts
from autoloop.engine.advance.facts import load_facts
from autoloop.engine.graph import CompiledGraph
from autoloop.engine.simulate.world import World
from autoloop.engine.turns import Facts
from autoloop.plugins.facts import Needs

__all__ = ["as_business", "as_contact", "check_fields", "invented", "real"]

CONTACT: dict[str, Any] = {
    "email": "ada@lovelace.example",
    "external_id": None,
    "first_name": "",
    "last_name": "",
    "title": "",
    "phone": "",
    "timezone": "",
    "locale": "",
    "status": "active",
    "consent": {"marketing": "unknown", "tracking": "unknown", "at": None, "source": ""},
    "topics": [],
    "tags": [],
    "fields": {},
}
BUSINESS: dict[str, Any] = {
    "name": "",
    "domain": None,
    "external_id": None,
    "email": "",
    "phone": "",
    "website": "",
    "city": "",
    "country": "",
    "timezone": "",
    "status": "active",
    "tags": [],
    "fields": {},
}


def real(
    services: Services, workflow_id: UUID, contact_id: Any, graph: CompiledGraph, now: datetime
) -> World:
    """What the steps of a graph may know of a contact of the workspace. Raises Invalid if there is none."""
    given = parse_id(str(contact_id))
    row = services(Contacts).find(given) if given is not None else None
    key: UUID | None = row.id if row is not None else None
    events: frozenset[str] = frozenset().union(*(node.needs.events for node in graph.nodes.values()))
    needs = Needs(contact=True, business=True, emails=True, events=events, workspace=True)
    found = _load(services, needs, key, now) if key is not None else None
    if found is None or not found.contact or key is None:
        raise Invalid(details={"contact_id": [_("There is no such contact.")]})
    world = World(services.workspace_id, workflow_id, key)
    world.contact, world.business = dict(found.contact), dict(found.business)
    world.emails, world.happenings = list(found.emails), list(found.happenings)
    world.workspace = found.workspace
    return world


def _load(services: Services, needs: Needs, key: UUID, now: datetime) -> Facts | None:
    connection: Any = services.session.connection().connection.driver_connection
    with connection.cursor(binary=True) as cursor:
        return load_facts(services, cursor, needs, [(services.workspace_id, key)], now).get(key)


def invented(
    services: Services,
    workflow_id: UUID,
    contact: Mapping[str, Any],
    business: Mapping[str, Any] | None,
    now: datetime,
) -> World:
    """A contact of a person's imagination: what they did not say is empty.

    Choices hash its `id`, else its address, so that the same invention takes the same arms.
    """
    workspace_id = services.workspace_id
    key = parse_id(str(contact.get("id") or "")) or uuid5(
        workspace_id, str(contact.get("email") or CONTACT["email"])
    )
    made = as_contact(key, contact, now)
    world = World(workspace_id, workflow_id, key, made, invented=True)
    known = _load(services, Needs(workspace=True), key, now)
    world.workspace = known.workspace if known is not None else {}
    if business:
        world.business = as_business(uuid5(workspace_id, "business"), business, now)
    return world


def as_contact(id: UUID, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What is known of an invented contact, in the shape of a real one's. Raises Invalid."""
    _fits(given, CONTACT, "contact")
    made: dict[str, Any] = {**CONTACT, "created_at": now.isoformat(), **given, "id": str(id)}
    if "name" not in given:
        made["name"] = f"{made['first_name']} {made['last_name']}".strip()
    return made


def as_business(id: UUID, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What is known of an invented business, in the shape of a real one's. Raises Invalid."""
    _fits(given, BUSINESS, "business")
    return {**BUSINESS, "created_at": now.isoformat(), "id": str(id), **given}


def check_fields(contact: Mapping[str, Any], business: Mapping[str, Any]) -> None:
    """Raises Invalid unless what is said of the two could lie over what is known of real ones."""
    _fits(contact, CONTACT, "contact")
    _fits(business, BUSINESS, "business")


def _fits(given: Mapping[str, Any], shape: Mapping[str, Any], place: str) -> None:
    """Raises Invalid where a known field has another kind of value than real contacts have."""
    if not isinstance(given, Mapping):
        raise Invalid(details={place: [_("Must be ${noun}.", mapping={"noun": _("an object")})]})
    problems: dict[str, list[str]] = {}
    for name in shape.keys() & given.keys():
        value, usual = given[name], shape[name]
        wanted = type(usual) if usual is not None else str
        if value is None and wanted is str:
            continue
        if not isinstance(value, wanted):
            nouns: dict[Any, Any] = {str: _("a text"), list: _("a list"), dict: _("an object")}
            problems[f"{place}.{name}"] = [_("Must be ${noun}.", mapping={"noun": nouns[wanted]})]
        elif wanted is list and not all(isinstance(each, str) for each in value):
            problems[f"{place}.{name}"] = [_("Must be a list of texts.")]
    if problems:
        raise Invalid(details=problems)
