"""What steps change of contacts: a whole batch in a few statements, in the run's own transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.events import Event, emit
from autoloop.base.generations import changed
from autoloop.base.services import Services
from autoloop.businesses.models import CONTACT_STATUSES
from autoloop.businesses.services.consents import said_by
from autoloop.businesses.services.vocabulary import insert_tags
from autoloop.businesses.values import FieldType, clean_text, clean_words, parse_timezone

__all__ = ["ContactChange", "apply_changes", "custom_value"]

TEXTS = {"first_name": 200, "last_name": 200, "title": 200, "phone": 60, "locale": 20}
COLUMNS = (*TEXTS, "timezone", "status")


@dataclass(frozen=True, slots=True)
class ContactChange:
    """What becomes of one contact. Own fields by name, custom ones as `fields.<key>`; None empties one.

    `chain` is the place of what is told of it, in a chain of runs.
    """

    workspace_id: UUID
    contact_id: UUID
    set: Mapping[str, Any] = field(default_factory=dict)
    add_tags: Sequence[str] = ()
    remove_tags: Sequence[str] = ()
    chain: int = 0


DEFINITIONS = text("""
select workspace_id, key, kind, choices from field_definitions
where target = 'contact' and workspace_id = any(cast(:tenants as uuid[]))""")

# Locked in id order first: two batches that hold runs of the same contacts must not wait for each other.
APPLY = text(f"""
with given as (
  select * from jsonb_to_recordset(cast(:changes as jsonb))
    as x(tenant uuid, id uuid, own jsonb, fields jsonb, add text[], remove text[])
), held as materialized (
  select c.workspace_id, c.id, c.tags, c.fields, {", ".join(f"c.{name}" for name in COLUMNS)},
    g.own, g.fields as given_fields, g.add, g.remove
  from business_contacts c join given g on c.workspace_id = g.tenant and c.id = g.id
  order by c.id for no key update of c
), wanted as (
  select h.workspace_id, h.id, h.tags as old_tags,
    case when cardinality(h.add) + cardinality(h.remove) = 0 then h.tags
      else array(select distinct t from unnest(h.tags || h.add) t where t <> all(h.remove) order by t) end as tags,
    case when h.given_fields = '{{}}' then h.fields
      else jsonb_strip_nulls(h.fields || h.given_fields) end as fields,
    {", ".join(f"coalesce(h.own->>'{name}', h.{name}) as {name}" for name in COLUMNS)},
    array_remove(array[
      {", ".join(f"case when h.own->>'{name}' <> h.{name} then '{name}' end" for name in COLUMNS)}], null)
    || array(select 'fields.' || key from jsonb_object_keys(h.given_fields) key
      where nullif(h.given_fields->key, 'null') is distinct from h.fields->key) as changed
  from held h
)
update business_contacts c set tags = w.tags, fields = w.fields, updated_at = now(),
  {", ".join(f"{name} = w.{name}" for name in COLUMNS)}
from wanted w
where c.workspace_id = w.workspace_id and c.id = w.id and
  (c.tags, c.fields, {", ".join(f"c.{name}" for name in COLUMNS)}) is distinct from
  (w.tags, w.fields, {", ".join(f"w.{name}" for name in COLUMNS)})
returning c.workspace_id, c.id, c.tags, w.old_tags, w.changed""")


def apply_changes(services: Services, changes: Sequence[ContactChange]) -> list[tuple[UUID, str, str]]:
    """Apply a batch, whatever tenants it is of. Returns what was refused: (contact_id, field, why).

    What does not fit a field (no such field, a wrong type, an address) is left out; the rest is applied.
    Email and external id are identities and cannot be set this way. Tells `contact.updated`, `tag.added`
    and `tag.removed` of contacts that really changed.
    """
    if not changes:
        return []
    refused: list[tuple[UUID, str, str]] = []
    merged: dict[tuple[UUID, UUID], _Merged] = {}
    types = _types(services, changes)
    for change in changes:
        key = (change.workspace_id, change.contact_id)
        merged.setdefault(key, _Merged()).take(change, types.get(change.workspace_id, {}), refused)
    rows = [
        {
            "tenant": tenant,
            "id": id,
            "own": each.own,
            "fields": each.fields,
            "add": each.add,
            "remove": each.remove,
        }
        for (tenant, id), each in merged.items()
    ]
    insert_tags(services.session, ((key[0], tag) for key, each in merged.items() for tag in each.add))
    if any("locale" in each.own for each in merged.values()):
        said_by(services, "workflow")
    found = services.session.execute(APPLY, {"changes": orjson.dumps(rows).decode()}).all()
    _tell(services, found, merged)
    return refused


class _Merged:
    """All changes of one contact, the later ones over the earlier."""

    def __init__(self) -> None:
        self.own: dict[str, str] = {}
        self.fields: dict[str, Any] = {}
        self.add: list[str] = []
        self.remove: list[str] = []
        self.chain = 0

    def take(
        self, change: ContactChange, types: Mapping[str, FieldType], refused: list[tuple[UUID, str, str]]
    ) -> None:
        self.chain = max(self.chain, change.chain)
        for name, value in change.set.items():
            try:
                if name.startswith("fields."):
                    self.fields[name[7:]] = custom_value(name[7:], value, types)
                else:
                    self.own[name] = _own(name, value)
            except ValueError as error:
                refused.append((change.contact_id, name, str(error)))
        try:
            added = clean_words(change.add_tags, "tags")
            removed = clean_words(change.remove_tags, "tags")
        except ValueError as error:
            refused.append((change.contact_id, "tags", str(error)))
            return
        self.remove = [tag for tag in self.remove if tag not in added] + removed
        self.add = [tag for tag in self.add if tag not in removed] + added


def custom_value(key: str, value: Any, types: Mapping[str, FieldType]) -> Any:
    """A custom field's value as it is kept. Raises ValueError."""
    if key not in types:
        raise ValueError("there is no such custom field")
    return types[key](value)


def _own(name: str, value: Any) -> str:
    if name in TEXTS:
        return clean_text("" if value is None else str(value), name, TEXTS[name])
    if name == "timezone":
        return parse_timezone(str(value)) if value else ""
    if name == "status" and value in CONTACT_STATUSES:
        return str(value)
    raise ValueError("a step cannot set this")


def _types(services: Services, changes: Iterable[ContactChange]) -> dict[UUID, dict[str, FieldType]]:
    tenants = sorted(
        {each.workspace_id for each in changes if any(name.startswith("fields.") for name in each.set)}
    )
    types: dict[UUID, dict[str, FieldType]] = {}
    if tenants:
        for row in services.session.execute(DEFINITIONS, {"tenants": tenants}):
            types.setdefault(row.workspace_id, {})[row.key] = FieldType(row.kind, tuple(row.choices))
    return types


def _tell(services: Services, found: Sequence[Any], merged: Mapping[tuple[UUID, UUID], _Merged]) -> None:
    events = []
    for tenant, id, tags, old_tags, names in found:
        each = merged[tenant, id]
        if names:
            data = {"source": "workflow", "fields": sorted(names)}
            events.append(Event(tenant, "contact.updated", id, data, "workflow", chain=each.chain))
        events += [
            Event(tenant, "tag.added", id, {"tag": tag}, "workflow", chain=each.chain)
            for tag in sorted(set(tags) - set(old_tags))
        ]
        events += [
            Event(tenant, "tag.removed", id, {"tag": tag}, "workflow", chain=each.chain)
            for tag in sorted(set(old_tags) - set(tags))
        ]
    emit(services, events)
    for tenant in {row[0] for row in found}:
        changed(services.session, tenant, "contacts")
