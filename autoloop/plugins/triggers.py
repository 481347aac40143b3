"""Triggers: the contract of what starts runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from inspect import cleandoc
from types import MappingProxyType
from typing import Any, ClassVar

import colander

from autoloop.plugins.clocks import Timetable
from autoloop.plugins.facts import Happening

__all__ = ["Trigger", "TriggerEvent"]


@dataclass(frozen=True, slots=True)
class TriggerEvent:
    """An event that may start a run for its contact. Conditions over `event.…` may be asked of it."""

    name: str
    data: Mapping[str, Any]
    occurred_at: datetime

    contact: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    business: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    variables: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    outputs: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    emails: ClassVar[Sequence[Mapping[str, Any]]] = ()
    happenings: ClassVar[Sequence[Happening]] = ()
    run_id: ClassVar[str] = ""

    @property
    def event(self) -> Mapping[str, Any]:
        """As steps of the run will see it: `event.name`, `event.data.…`."""
        return {"name": self.name, "data": self.data}

    @property
    def now(self) -> datetime:
        return self.occurred_at


class Trigger:
    """What starts runs of a workflow. One instance serves all workflows: keep nothing on `self`."""

    name: ClassVar[str]
    title: ClassVar[str]
    category: ClassVar[str] = "contact"
    icon: ClassVar[str] = "bolt"
    config_version: ClassVar[int] = 1

    class Config(colander.MappingSchema):
        """No settings."""

    @classmethod
    def description(cls) -> str:
        return cleandoc(cls.__doc__ or "")

    def event_name(self, config: Mapping[str, Any]) -> str | None:
        """The event it listens to; None if only people start it."""
        return None

    def accepts(self, event: TriggerEvent, config: Mapping[str, Any]) -> bool:
        """Does this very event start a run? Pure."""
        return True

    def timetable(self, config: Mapping[str, Any]) -> Timetable | None:
        """When it ticks, and whom it then enrols; None if it does not go by the clock."""
        return None

    def summary(self, config: Mapping[str, Any]) -> str:
        return self.title

    def upgrade(self, config: dict[str, Any], version: int) -> dict[str, Any]:
        """Settings of an older `config_version` in today's form."""
        return config
