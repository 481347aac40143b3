"""Facts of a batch: the union of what its runs may ask, with one statement per kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Cursor

from autoloop.base.ids import id_floor
from autoloop.base.services import Services
from autoloop.engine.turns import Facts
from autoloop.plugins.facts import Happening, Needs

__all__ = ["load_facts"]

REMEMBERED = timedelta(days=90)

HAPPENINGS = """
select u.contact, e.name, e.received_at, e.data
from unnest(%(tenants)s::uuid[], %(contacts)s::uuid[]) u(tenant, contact)
cross join unnest(%(names)s::text[]) n(name) cross join lateral (
  select e.id, e.name, e.received_at, e.data from events e
  where e.workspace_id = u.tenant and e.contact_id = u.contact and e.name = n.name and e.id >= %(floor)s
  order by e.id desc limit 500) e
order by e.id
"""

Key = tuple[UUID, UUID]


def load_facts(
    services: Services, cursor: Cursor[Any], needs: Needs, keys: Sequence[Key], now: datetime
) -> dict[UUID, Facts]:
    """Facts by contact id. `keys` are (workspace_id, contact_id), each once."""
    if not needs or not keys:
        return {}
    known: Mapping[UUID, Any] = {}
    if needs.contact or needs.business:
        from autoloop.businesses.services.facts import load_contacts

        loader: Callable[..., Any] = services.registrations.fact_loaders.get("contact", load_contacts)
        known = loader(services, list(keys))
    emails: Mapping[UUID, Any] = {}
    if needs.emails and "email_history" in services.registrations.fact_loaders:
        emails = services.registrations.fact_loaders["email_history"](services, list(keys))
    tenants: Mapping[UUID, Any] = {}
    if needs.workspace and "workspace" in services.registrations.fact_loaders:
        tenants = _tenants(services, sorted({key[0] for key in keys}))
    happenings = _happenings(cursor, needs.events, keys, now) if needs.events else {}
    return {
        contact: Facts(
            known.get(contact, {}).get("contact") or {},
            known.get(contact, {}).get("business") or {},
            emails.get(contact, ()),
            happenings.get(contact, ()),
            tenants.get(tenant, {}),
        )
        for tenant, contact in keys
    }


def _tenants(services: Services, ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    """Facts of workspaces, and the kinds of their custom fields under `fields`."""
    loaders = services.registrations.fact_loaders
    known: dict[UUID, dict[str, Any]] = loaders["workspace"](services, ids)
    kinds = loaders["fields"](services, ids) if "fields" in loaders else {}
    return {id: {**each, "fields": kinds.get(id, {})} for id, each in known.items()}


def _happenings(
    cursor: Cursor[Any], names: frozenset[str], keys: Sequence[Key], now: datetime
) -> dict[UUID, list[Happening]]:
    values = {
        "tenants": [key[0] for key in keys],
        "contacts": [key[1] for key in keys],
        "names": sorted(names),
        "floor": id_floor(now - REMEMBERED),
    }
    cursor.execute(HAPPENINGS, values, prepare=True)
    found: dict[UUID, list[Happening]] = {}
    for contact, name, at, data in cursor.fetchall():
        found.setdefault(contact, []).append(Happening(name, at, data))
    return found
