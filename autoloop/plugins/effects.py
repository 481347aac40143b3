"""Effects: what a step changes besides where the run stands. Applied in the run's own commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["AddTag", "Effect", "Emit", "Notify", "RemoveTag", "UpdateBusiness", "UpdateContact"]


@dataclass(frozen=True, slots=True)
class UpdateContact:
    """Set fields of the run's contact. Own fields by name, custom ones as `fields.<name>`."""

    set: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UpdateBusiness:
    """Set fields of the contact's business; nothing happens to a contact without one."""

    set: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AddTag:
    """Give the contact a tag; the tag is made if there is none of that name."""

    tag: str


@dataclass(frozen=True, slots=True)
class RemoveTag:
    """Take a tag from the contact, if it has it."""

    tag: str


@dataclass(frozen=True, slots=True)
class Emit:
    """Say that something happened to the contact: starts runs, wakes waits."""

    name: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell members of the workspace, in the dashboard; with `mail` also by email.

    Title and body that are marked for translation are said to each member in their own language.
    `members` are ids of persons; without any, all who have the role or one above it are told.
    """

    title: str
    body: str = ""
    role: str = "viewer"
    members: Sequence[str] = ()
    mail: bool = False


Effect = UpdateContact | UpdateBusiness | AddTag | RemoveTag | Emit | Notify
