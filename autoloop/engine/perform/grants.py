"""Credentials for a step: those that its settings name, and no others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import colander

from autoloop.base.ids import parse_id
from autoloop.plugins.forms import schema_of

if TYPE_CHECKING:
    from autoloop.base.services import Services
    from autoloop.plugins.steps import Step

__all__ = ["load_granted", "named_credentials"]


def named_credentials(step: Step, config: Mapping[str, Any]) -> set[UUID]:
    """The ids in the settings, where the form has `ui={"widget": "credential"}`."""
    kind: Any = type(step)
    return set(_named(_schema(kind), config))


@lru_cache(maxsize=500)
def _schema(step: Any) -> colander.SchemaNode:
    return schema_of(step())


def _named(schema: colander.SchemaNode, value: Any) -> Iterator[UUID]:
    if (getattr(schema, "ui", None) or {}).get("widget") == "credential":
        id = parse_id(value) if isinstance(value, str) else None
        if id is not None:
            yield id
    elif isinstance(schema.typ, colander.Mapping) and isinstance(value, Mapping):
        for child in schema.children:
            yield from _named(child, value.get(child.name))
    elif isinstance(schema.typ, colander.Sequence) and isinstance(value, list):
        for each in value:
            yield from _named(schema.children[0], each)


def load_granted(
    services: Services, wanted: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Mapping[str, Any]]:
    """The opened credentials by (workspace, id); one that is gone is missing."""
    loader = services.registrations.fact_loaders.get("credentials")
    found: dict[tuple[UUID, UUID], Mapping[str, Any]] = loader(services, wanted) if loader and wanted else {}
    return found
