"""Something happened: how any domain says so, in its own transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from autoloop.base.services import Services

__all__ = ["Event", "EventSink", "emit"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event. With a `source_id`, a second one of the same source is dropped for 90 days.

    With an `id` of its own it may be written again by whoever does not know whether it was: there is one then.
    `chain` counts the runs behind it, each started by what the one before did; 0 comes from outside.
    """

    workspace_id: UUID
    name: str
    contact_id: UUID | None
    data: dict[str, Any] = field(default_factory=dict)
    source: str = "autoloop"
    source_id: str | None = None
    occurred_at: datetime | None = None
    chain: int = 0
    id: UUID | None = None


EventSink = Callable[["Services", Sequence[Event]], Any]


def emit(services: Services, events: Sequence[Event]) -> None:
    """Put events into the inbox, in the caller's transaction. Routing finds them there."""
    sink = services.registrations.event_sink
    if sink is not None and events:
        sink(services, events)
