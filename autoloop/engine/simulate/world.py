"""The world of a simulation: what is known of the contact, changed as the steps change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from autoloop.engine.turns import Facts
from autoloop.plugins.effects import AddTag, Effect, Emit, RemoveTag, UpdateBusiness, UpdateContact
from autoloop.plugins.facts import Happening

__all__ = ["World", "plain_effect"]


@dataclass(slots=True)
class World:
    """Facts of one contact, real or invented. `contact_id` is what choices hash."""

    workspace_id: UUID
    workflow_id: UUID
    contact_id: UUID
    contact: dict[str, Any] = field(default_factory=dict)
    business: dict[str, Any] = field(default_factory=dict)
    emails: list[Mapping[str, Any]] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    invented: bool = False
    workspace: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the graph

    def facts(self) -> Facts:
        return Facts(self.contact, self.business, tuple(self.emails), tuple(self.happenings), self.workspace)

    def happened(self, name: str, at: datetime, data: Mapping[str, Any]) -> None:
        self.happenings.append(Happening(name, at, dict(data)))

    def apply(self, effects: Iterable[Effect]) -> list[tuple[str, Mapping[str, Any]]]:
        """Change what is known; returns the events that follow, as (name, data)."""
        events: list[tuple[str, Mapping[str, Any]]] = []
        for effect in effects:
            if isinstance(effect, UpdateContact):
                self.contact = _with(self.contact, effect.set)
                events.append(("contact.updated", {"fields": sorted(map(str, effect.set))}))
            elif isinstance(effect, UpdateBusiness):
                self.business = _with(self.business, effect.set) if self.business else self.business
            elif isinstance(effect, AddTag | RemoveTag):
                events += self._tag(effect)
            elif isinstance(effect, Emit):
                events.append((effect.name, dict(effect.data)))
        return events

    def _tag(self, effect: AddTag | RemoveTag) -> list[tuple[str, Mapping[str, Any]]]:
        before = list(self.contact.get("tags") or ())
        tags = [tag for tag in before if tag != effect.tag]
        if isinstance(effect, AddTag):
            tags.append(effect.tag)
        self.contact = {**self.contact, "tags": tags}
        word = "added" if isinstance(effect, AddTag) else "removed"
        return [(f"tag.{word}", {"tag": effect.tag})] if len(tags) != len(before) else []


def _with(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(data)
    for name, value in changes.items():
        root, _, rest = str(name).partition(".")
        made[root] = _with(made.get(root) or {}, {rest: value}) if rest else value
    return made


def plain_effect(effect: Effect) -> dict[str, Any]:
    """An effect as plain data: {"effect": "AddTag", "tag": "vip"}."""
    names = type(effect).__dataclass_fields__
    return {"effect": type(effect).__name__, **{name: getattr(effect, name) for name in names}}
