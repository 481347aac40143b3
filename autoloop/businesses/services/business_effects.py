"""What steps change of businesses: a batch in three statements, in the runs' own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.generations import changed
from autoloop.base.services import Services
from autoloop.businesses.models import BUSINESS_STATUSES
from autoloop.businesses.services.effects import custom_value
from autoloop.businesses.values import FieldType, clean_text, parse_timezone
from autoloop.plugins.effects import UpdateBusiness

__all__ = ["update_businesses"]

TEXTS = {"phone": 60, "website": 400, "city": 200, "country": 100}
COLUMNS = (*TEXTS, "timezone", "status")

OWNED = text("""
select c.workspace_id, c.id, c.business_id
from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) u(tenant, id)
join business_contacts c on c.workspace_id = u.tenant and c.id = u.id where c.business_id is not null""")

DEFINITIONS = text("""
select workspace_id, key, kind, choices from field_definitions
where target = 'business' and workspace_id = any(cast(:tenants as uuid[]))""")

# Locked in id order, as all batches do: none waits for another in a ring.
APPLY = text(f"""
with given as (
  select * from jsonb_to_recordset(cast(:changes as jsonb)) as x(tenant uuid, id uuid, own jsonb, fields jsonb)
), held as materialized (
  select b.workspace_id, b.id, {", ".join(f"coalesce(g.own->>'{name}', b.{name}) as {name}" for name in COLUMNS)},
    case when g.fields = '{{}}' then b.fields else jsonb_strip_nulls(b.fields || g.fields) end as fields
  from businesses b join given g on b.workspace_id = g.tenant and b.id = g.id
  order by b.id for no key update of b
)
update businesses b set fields = h.fields, updated_at = now(), {", ".join(f"{name} = h.{name}" for name in COLUMNS)}
from held h where b.workspace_id = h.workspace_id and b.id = h.id and
  (b.fields, {", ".join(f"b.{name}" for name in COLUMNS)}) is distinct from
  (h.fields, {", ".join(f"h.{name}" for name in COLUMNS)})
returning b.workspace_id""")


def update_businesses(
    services: Services, changes: Sequence[tuple[UUID, UUID, UpdateBusiness]]
) -> list[tuple[UUID, str, str]]:
    """The effect handler "update_business": (workspace_id, contact_id, effect)…, of any tenants.

    Merged per business, the later over the earlier, and applied in the order of their ids; call it after
    the batch's contacts. Contacts without a business are passed over. What does not fit a field is left
    out and returned: (contact_id, field, why).
    """
    given = {"tenants": [each[0] for each in changes], "ids": [each[1] for each in changes]}
    owned = {(row[0], row[1]): row[2] for row in services.session.execute(OWNED, given)}
    types = _types(services, sorted({tenant for tenant, _ in owned}))
    refused: list[tuple[UUID, str, str]] = []
    merged: dict[tuple[UUID, UUID], dict[str, dict[str, Any]]] = {}
    for tenant, contact, effect in changes:
        business = owned.get((tenant, contact))
        if business is None:
            continue
        each = merged.setdefault((tenant, business), {"own": {}, "fields": {}})
        for name, value in effect.set.items():
            try:
                if name.startswith("fields."):
                    each["fields"][name[7:]] = custom_value(name[7:], value, types.get(tenant, {}))
                else:
                    each["own"][name] = _own(name, value)
            except ValueError as error:
                refused.append((contact, name, str(error)))
    rows = [{"tenant": tenant, "id": id, **each} for (tenant, id), each in sorted(merged.items())]
    if rows:
        found = services.session.execute(APPLY, {"changes": orjson.dumps(rows).decode()})
        for tenant in sorted({row[0] for row in found}):
            changed(services.session, tenant, "businesses")
            changed(services.session, tenant, "contacts")
    return refused


def _own(name: str, value: Any) -> str:
    if name in TEXTS:
        return clean_text("" if value is None else str(value), name, TEXTS[name])
    if name == "timezone":
        return parse_timezone(str(value)) if value else ""
    if name == "status" and value in BUSINESS_STATUSES:
        return str(value)
    raise ValueError("a step cannot set this")


def _types(services: Services, tenants: list[UUID]) -> dict[UUID, dict[str, FieldType]]:
    types: dict[UUID, dict[str, FieldType]] = {}
    for row in services.session.execute(DEFINITIONS, {"tenants": tenants}):
        types.setdefault(row.workspace_id, {})[row.key] = FieldType(row.kind, tuple(row.choices))
    return types
