"""Facts: what a step says it must know, and the form in which it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

__all__ = ["NOTHING", "Happening", "Known", "Needs"]


@dataclass(frozen=True, slots=True)
class Needs:
    """What a step reads: the contact (with tags, fields, topics, consent), its business, its email
    history, events of the named kinds, and the workspace's time zone, working days and holidays.
    Only what is named here is loaded, in sets."""

    contact: bool = False
    business: bool = False
    emails: bool = False
    events: frozenset[str] = frozenset()
    workspace: bool = False

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            self.contact or other.contact,
            self.business or other.business,
            self.emails or other.emails,
            self.events | other.events,
            self.workspace or other.workspace,
        )

    def __bool__(self) -> bool:
        return self.contact or self.business or self.emails or self.workspace or bool(self.events)


NOTHING = Needs()


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a contact: its name, when it came in, and its data."""

    name: str
    at: datetime
    data: Mapping[str, Any]


class Known(Protocol):
    """What conditions and templates are evaluated against."""

    @property
    def now(self) -> datetime: ...
    @property
    def run_id(self) -> str: ...
    @property
    def contact(self) -> Mapping[str, Any]: ...
    @property
    def business(self) -> Mapping[str, Any]: ...
    @property
    def event(self) -> Mapping[str, Any]: ...
    @property
    def variables(self) -> Mapping[str, Any]: ...
    @property
    def outputs(self) -> Mapping[str, Any]: ...
    @property
    def emails(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def happenings(self) -> Sequence[Happening]: ...
