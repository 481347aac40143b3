"""What the engine asks of other domains, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

__all__ = ["EmailRequest", "NewStimulus"]


@dataclass(frozen=True, slots=True)
class EmailRequest:
    """One email that a run asks for. `template_version` None is the latest, `sender_id` None the
    workspace's default; `limits` may hold cooldown_hours and once. A test's mail goes to
    `to` in place of the contact's address, and sees the fields of `contact` and `business` over the real ones, or
    with `invented` nothing else; `topic`
    None is the template's; `tracked` False: its opens and clicks are not recorded. Its fate comes back as a stimulus for the same node and visit."""

    workspace_id: UUID
    run_id: UUID
    contact_id: UUID
    workflow_id: UUID
    version_id: UUID
    node: str
    visit: int
    template_id: UUID
    template_version: int | None = None
    sender_id: UUID | None = None
    kind: str = "marketing"
    priority: int = 0
    on_unknown: str = "hold"
    is_test: bool = False
    variables: dict[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None
    limits: dict[str, Any] = field(default_factory=dict)
    to: str | None = None
    contact: dict[str, Any] = field(default_factory=dict)
    topic: str | None = None
    tracked: bool = True
    business: dict[str, Any] = field(default_factory=dict)
    invented: bool = False


@dataclass(frozen=True, slots=True)
class NewStimulus:
    """Something that reaches a run. `source_key` makes a second insert of the same do nothing.

    `kind` is event, email, action, child or exit; `node` and `visit` name the wait it answers.
    """

    workspace_id: UUID
    run_id: UUID
    kind: str
    payload: dict[str, Any]
    source_key: str
    node: str | None = None
    visit: int | None = None
