"""What steps may know of contacts and their businesses: loaded in sets, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.services import Services

__all__ = ["load_contacts", "load_field_kinds"]

Key = tuple[UUID, UUID]

CONTACTS = text("""
select c.workspace_id, c.id, c.business_id, c.email, c.external_id, c.first_name, c.last_name, c.title, c.phone, c.timezone,
  c.locale, c.status, c.consent_marketing, c.consent_tracking, c.consent_at, c.consent_source, c.topics, c.tags, c.fields,
  c.created_at
from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) k(tenant, id)
join business_contacts c on c.workspace_id = k.tenant and c.id = k.id""")

BUSINESSES = text("""
select b.workspace_id, b.id, b.name, b.domain, b.external_id, b.email, b.phone, b.website, b.city, b.country, b.timezone,
  b.status, b.tags, b.fields, b.created_at
from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) k(tenant, id)
join businesses b on b.workspace_id = k.tenant and b.id = k.id""")


def load_contacts(services: Services, keys: Sequence[Key]) -> dict[UUID, dict[str, Any]]:
    """(workspace_id, contact_id)… → contact id → {"contact": {…}, "business": {…} or None}.

    Plain data only: ids are text, `consent` is {"marketing", "at", "source"}, `name` is first and last
    name. Contacts that are gone are not in the answer. One statement per kind.
    """
    found: dict[UUID, dict[str, Any]] = {}
    owned: dict[Key, list[UUID]] = {}
    for row in _rows(services, CONTACTS, keys):
        found[row.id] = {"contact": contact_facts(row), "business": None}
        if row.business_id is not None:
            owned.setdefault((row.workspace_id, row.business_id), []).append(row.id)
    if owned:
        for row in _rows(services, BUSINESSES, list(owned)):
            facts = business_facts(row)
            for contact in owned[row.workspace_id, row.id]:
                found[contact]["business"] = facts
    return found


KINDS = text("""
select workspace_id, target, key, kind, choices from field_definitions
where workspace_id = any(cast(:ids as uuid[]))""")


def load_field_kinds(services: Services, ids: Sequence[UUID]) -> dict[UUID, dict[str, dict[str, Any]]]:
    """Custom fields by workspace: {"contact": {key: {"kind", "choices"}}, "business": {…}}, both always there."""
    found: dict[UUID, dict[str, dict[str, Any]]] = {id: {"contact": {}, "business": {}} for id in ids}
    for row in services.session.execute(KINDS, {"ids": list(ids)}):
        found[row.workspace_id][row.target][row.key] = {"kind": row.kind, "choices": list(row.choices)}
    return found


def _rows(services: Services, statement: Any, keys: Sequence[Key]) -> Any:
    values = {"tenants": [key[0] for key in keys], "ids": [key[1] for key in keys]}
    return services.session.execute(statement, values)


def contact_facts(row: Any) -> dict[str, Any]:
    """What is known of a contact, from its row."""
    return {
        "id": str(row.id),
        "email": row.email,
        "external_id": row.external_id,
        "name": f"{row.first_name} {row.last_name}".strip(),
        "first_name": row.first_name,
        "last_name": row.last_name,
        "title": row.title,
        "phone": row.phone,
        "timezone": row.timezone,
        "locale": row.locale,
        "status": row.status,
        "consent": {
            "marketing": row.consent_marketing,
            "tracking": row.consent_tracking,
            "at": row.consent_at and row.consent_at.isoformat(),
            "source": row.consent_source,
        },
        "topics": row.topics,
        "tags": row.tags,
        "fields": row.fields,
        "created_at": row.created_at.isoformat(),
    }


def business_facts(row: Any) -> dict[str, Any]:
    """What is known of a business, from its row."""
    return {
        "id": str(row.id),
        "name": row.name,
        "domain": row.domain,
        "external_id": row.external_id,
        "email": row.email,
        "phone": row.phone,
        "website": row.website,
        "city": row.city,
        "country": row.country,
        "timezone": row.timezone,
        "status": row.status,
        "tags": row.tags,
        "fields": row.fields,
        "created_at": row.created_at.isoformat(),
    }
