"""What a workflow refers to, by name: so that a document finds its templates and segments elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from autoloop.base.services import Services
from autoloop.businesses.models import Segment
from autoloop.engine.models import Form, IncomingHook, Workflow
from autoloop.workflows.checking import CHOICES, named_rows
from autoloop.workspaces.credentials.models import Credential

__all__ = ["Missing", "named", "references_of", "settled"]

TABLES: Mapping[str, Any] = {
    "segment": Segment,
    "credential": Credential,
    "workflow": Workflow,
    "form": Form,
    "hook": IncomingHook,
}

Missing = dict[str, Any]
"""{"kind", "id", "name", "node", "field"}: something that a document names and that is not here."""


def named(
    services: Services, kind: str, ids: Collection[UUID], names: Collection[str] = ()
) -> list[tuple[UUID, str]]:
    """Rows of a kind with one of these ids or names, as (id, name). Senders go by their address."""
    if not ids and not names:
        return []
    if kind in TABLES:
        table = TABLES[kind]
        rows = select(table.id, table.name).where(
            table.workspace_id == services.workspace_id, or_(table.id.in_(ids), table.name.in_(names))
        )
        if kind == "workflow":
            rows = rows.where(Workflow.status != "archived")
        return [(row.id, row.name) for row in services.session.execute(rows)]
    loader = services.registrations.fact_loaders.get(f"{kind}_named")
    return list(loader(services, ids, names)) if loader is not None else []


def references_of(services: Services, graph: Any, triggers: Sequence[Any]) -> list[dict[str, str]]:
    """Each row that the settings name, once: {"kind", "id", "name"}; those that are gone are left out."""
    found = []
    for kind, ids in _by_kind(services, graph, triggers).items():
        rows = sorted(named(services, kind, ids), key=lambda row: row[1])
        found += [{"kind": kind, "id": str(id), "name": name} for id, name in rows]
    return found


def settled(
    services: Services, graph: Any, triggers: Sequence[Any], references: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, str], list[Missing]]:
    """Which ids of a document stand for which of this workspace, and what is not here.

    An id that is here stays; else the one row of the same kind and name takes its place.
    """
    known = {(each["kind"], each["id"].lower()): each["name"] for each in references}
    words, missing = dict[str, str](), set[tuple[str, UUID]]()
    for kind, ids in _by_kind(services, graph, triggers).items():
        names = {id: known.get((kind, str(id)), "") for id in ids}
        rows = named(services, kind, ids, [name for name in names.values() if name])
        here = {id for id, _name in rows}
        for id, name in names.items():
            same = [row for row, called in rows if name and called == name]
            if id in here:
                continue
            if len(same) == 1:
                words[str(id)] = str(same[0])
            else:
                missing.add((kind, id))
    places = named_rows(services, graph, triggers)
    return words, [
        {"kind": kind, "id": str(id), "name": known.get((kind, str(id))), "node": node, "field": field}
        for kind, node, field, id in places
        if (kind, id) in missing
    ]


def _by_kind(services: Services, graph: Any, triggers: Sequence[Any]) -> dict[str, set[UUID]]:
    found: dict[str, set[UUID]] = {kind: set() for kind in CHOICES}
    for kind, _node, _field, id in named_rows(services, graph, triggers):
        found[kind].add(id)
    return {kind: ids for kind, ids in found.items() if ids}
