"""Deliveries of one workspace become events of contacts, many in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.errors import AutoLoopError, Invalid
from autoloop.base.events import Event
from autoloop.base.i18n import _
from autoloop.base.ids import new_id
from autoloop.base.services import Services
from autoloop.businesses.addresses import BadAddress, normal_email
from autoloop.businesses.models import Contact
from autoloop.businesses.services.contacts import Contacts
from autoloop.engine.hooks import EVENT
from autoloop.engine.hooks.bodies import find
from autoloop.engine.services.events import receive

__all__ = [
    "IDENTITIES",
    "STALE",
    "Accepted",
    "Delivery",
    "Hook",
    "accept",
    "identity",
    "name_in",
    "values_of",
]

IDENTITIES = ("email", "external_id")

CURRENT = text("""
select h.id, h.updated_at from incoming_hooks h
where h.workspace_id = :workspace and h.id = any(:hooks) and h.is_active""")

KNOWN = text("""
select c.id, c.email_normal, c.external_id from business_contacts c
where c.workspace_id = :workspace and c.email_normal = any(:emails) and c.email_normal <> ''
union all
select c.id, c.email_normal, c.external_id from business_contacts c
where c.workspace_id = :workspace and c.external_id = any(:externals)""")

EARLIER = text("""
select k.source, k.source_id, k.event_id from event_keys k
join unnest(cast(:sources as text[]), cast(:ids as text[])) u(source, id) on k.source = u.source and k.source_id = u.id
where k.workspace_id = :workspace""")

KEEP_SAMPLE = text("""
update incoming_hooks h set sample = cast(:sample as jsonb), sampled_at = now()
where h.workspace_id = :workspace and h.id = (
  select s.id from incoming_hooks s where s.workspace_id = :workspace and s.id = :id
  for no key update skip locked)""")


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook as it was read; `updated_at` tells whether it is still so."""

    workspace_id: UUID
    id: UUID
    updated_at: datetime
    scheme: str
    header: str | None
    secret: bytes | None
    mapping: Mapping[str, str]
    creates: bool
    event_id_path: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body for one webhook. `key` is the sender's id of it; `sample` asks to keep it for people.

    `id` becomes its event's, however often it must be written: a commit whose answer was lost may have come through.
    """

    hook: Hook
    body: dict[str, Any]
    kept: dict[str, Any]
    key: str | None = None
    sample: str | None = None
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The event that a delivery became; a repeated one gives the first one's."""

    event_id: UUID
    duplicate: bool = False


STALE = object()
"""The webhook was changed since it was read: read it again."""

Outcome = Accepted | AutoLoopError | object


def accept(services: Services, deliveries: Sequence[Delivery]) -> list[Outcome]:
    """Take deliveries of the workspace that `services` is in. In order: Accepted, an error, or STALE.

    An unknown contact is made if the webhook says so; otherwise its event is kept and starts nothing.
    Values that do not fit a contact's field are left out. Nothing is written for an error but its sample.
    """
    workspace = services.workspace_id
    hooks = list({each.hook.id for each in deliveries})
    current = {
        row.id: row.updated_at
        for row in services.session.execute(CURRENT, {"workspace": workspace, "hooks": hooks})
    }
    outcomes: list[Outcome] = [
        STALE if current.get(each.hook.id) != each.hook.updated_at else None for each in deliveries
    ]
    _repetitions(services, deliveries, outcomes)
    fresh = [index for index, outcome in enumerate(outcomes) if outcome is None]
    _keep_samples(services, [deliveries[index] for index in fresh])
    people = _people(services, deliveries, fresh, outcomes)
    ready = [index for index in fresh if outcomes[index] is None]
    events = [_event(workspace, deliveries[index], people.get(index)) for index in ready]
    for index, event, id in zip(ready, events, receive(services, events), strict=True):
        outcomes[index] = Accepted(id) if id is not None else event
    _name_earlier(services, outcomes)
    return outcomes


def _event(workspace: UUID, delivery: Delivery, contact: UUID | None) -> Event:
    hook = str(delivery.hook.id)
    data = {"hook_id": hook, "body": delivery.kept}
    return Event(workspace, EVENT, contact, data, f"hook:{hook}", delivery.key, id=delivery.id)


def _keep_samples(services: Services, deliveries: Sequence[Delivery]) -> None:
    for each in {each.hook.id: each for each in deliveries if each.sample is not None}.values():
        values = {"workspace": services.workspace_id, "id": each.hook.id, "sample": each.sample}
        services.session.execute(KEEP_SAMPLE, values)


def _repetitions(services: Services, deliveries: Sequence[Delivery], outcomes: list[Outcome]) -> None:
    """A delivery whose id is known changes nothing, its contact neither."""
    asked = [
        index for index, each in enumerate(deliveries) if each.key is not None and outcomes[index] is None
    ]
    if not asked:
        return
    values = {
        "workspace": services.workspace_id,
        "sources": [f"hook:{deliveries[index].hook.id}" for index in asked],
        "ids": [deliveries[index].key for index in asked],
    }
    known = {(row.source, row.source_id): row.event_id for row in services.session.execute(EARLIER, values)}
    for index in asked:
        event = known.get((f"hook:{deliveries[index].hook.id}", deliveries[index].key))
        if event is not None:
            outcomes[index] = Accepted(event, duplicate=event != deliveries[index].id)


def _name_earlier(services: Services, outcomes: list[Outcome]) -> None:
    """One that came in together with its repetition, here or in another process, has its event."""
    repeated = [each for each in outcomes if isinstance(each, Event)]
    if not repeated:
        return
    values = {
        "workspace": services.workspace_id,
        "sources": [each.source for each in repeated],
        "ids": [each.source_id for each in repeated],
    }
    known = {(row.source, row.source_id): row.event_id for row in services.session.execute(EARLIER, values)}
    for index, each in enumerate(outcomes):
        if isinstance(each, Event):
            outcomes[index] = Accepted(known[each.source, each.source_id], duplicate=True)


# --- whom a body is about


def _people(
    services: Services, deliveries: Sequence[Delivery], fresh: Sequence[int], outcomes: list[Outcome]
) -> dict[int, UUID]:
    """The contact of each delivery by its index; errors go into `outcomes`."""
    named = {}
    for index in fresh:
        try:
            named[index] = identity(deliveries[index])
        except AutoLoopError as error:
            outcomes[index] = error
    known = _known(services, list(named.values()))
    found: dict[int, UUID] = {}
    for index, (email, external) in named.items():
        delivery = deliveries[index]
        own = [(name, value) for name, value in (("external_id", external), ("email", email)) if value]
        id = next((known[key] for key in own if key in known), None)
        more = delivery.hook.mapping.keys() - set(IDENTITIES)
        if id is None and not delivery.hook.creates:
            continue
        if id is None or more:
            id = _written(services, delivery, id)
            known |= dict.fromkeys(own, id)
        found[index] = id
    return found


def identity(delivery: Delivery) -> tuple[str | None, str | None]:
    """The normal form of the address, and the external id, that a body holds."""
    mapping = delivery.hook.mapping
    email, external = (
        name_in(find(delivery.body, mapping[name])) if name in mapping else None for name in IDENTITIES
    )
    if email is None and external is None:
        where = ", ".join(mapping[name] for name in IDENTITIES if name in mapping)
        message = _("The body names no contact at ${where}.", mapping={"where": where or "–"})
        raise Invalid(message, code="NO_CONTACT", details={"body": [message]})
    if external is not None and (len(external) > 200 or "\x00" in external):
        raise Invalid(details={mapping["external_id"]: ["An external id has at most 200 characters."]})
    try:
        return (normal_email(email)[1] if email is not None else None), external
    except BadAddress as error:
        if external is not None:
            return None, external
        raise Invalid(details={mapping["email"]: [str(error)]}) from None


def name_in(given: Any) -> str | None:
    """What may name somebody or something: a text that is not blank, or a whole number."""
    if isinstance(given, bool) or not isinstance(given, str | int):
        return None
    return str(given).strip() or None


def _known(services: Services, named: Sequence[tuple[str | None, str | None]]) -> dict[Any, UUID]:
    emails = sorted({email for email, _external in named if email})
    externals = sorted({external for _email, external in named if external})
    values = {"workspace": services.workspace_id, "emails": emails, "externals": externals}
    found: dict[Any, UUID] = {}
    for row in services.session.execute(KNOWN, values) if named else ():
        if row.email_normal:
            found["email", row.email_normal] = row.id
        if row.external_id is not None:
            found["external_id", row.external_id] = row.id
    return found


def _written(services: Services, delivery: Delivery, id: UUID | None) -> UUID:
    """Make or change the contact as mapped; what does not fit is left out, one value after the other."""
    contacts = services(Contacts)
    given = values_of(delivery)
    source = f"webhook {delivery.hook.id}"
    row = services.session.get(Contact, (services.workspace_id, id)) if id is not None else None
    if row is not None:  # whom it is about is settled: an identity is added, never changed
        given.pop("email", None)
        if row.external_id is not None:
            given.pop("external_id", None)
        if "tags" in given:  # it adds to what the contact has from elsewhere
            given["tags"] = [*row.tags, *given["tags"]]
        if not given:
            return row.id
    for _try in range(len(given) + 1):
        try:
            made = (
                contacts.update(row, given, source=source) if row else contacts.create(given, source=source)
            )
        except AutoLoopError as error:
            wrong = {key.split(".")[0] for key in error.details} & (given.keys() - set(IDENTITIES))
            if not wrong:
                raise
            given = {name: value for name, value in given.items() if name not in wrong}
        else:
            return made.id
    raise Invalid


def values_of(delivery: Delivery) -> dict[str, Any]:
    """A body's values by the contact's fields. What is missing in the body is not given, not emptied."""
    given: dict[str, Any] = {}
    for name, path in delivery.hook.mapping.items():
        value = find(delivery.body, path)
        if value is None or (isinstance(value, str) and "\x00" in value):
            continue
        if name.startswith("fields."):
            given.setdefault("fields", {})[name.removeprefix("fields.")] = value
        elif name == "tags":
            given["tags"] = [str(each)[:100] for each in (value if isinstance(value, list) else [value])][:50]
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            given[name] = str(value).strip()[:500]
    return given
