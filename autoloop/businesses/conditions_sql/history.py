"""What happened to contacts, asked in SQL. Emails are events too: email.opened and the like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Interval, Text, column, literal, select, table
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB

from autoloop.base.ids import id_floor
from autoloop.base.services import Services
from autoloop.businesses.models import Contact
from autoloop.plugins.conditions.compiled import REMEMBERED
from autoloop.plugins.facts import Happening

__all__ = ["LATEST", "happened", "happenings"]

LATEST = 500
"""How many events of a name are looked at, the latest first: those that runs know, too."""
INSTANT = timedelta(microseconds=1)

# The engine's table lies above this room: it is named here, not imported.
EVENTS = table(
    "events",
    column("workspace_id", UuidType()),
    column("id", UuidType()),
    column("contact_id", UuidType()),
    column("name", Text()),
    column("data", JSONB()),
    column("received_at", DateTime(timezone=True)),
)


def happened(
    name: str, match: Mapping[str, Any], days: float | None, least: int, now: datetime
) -> tuple[ColumnElement[bool], Any]:
    """Whether the contact had at least so many such events, and when that ends by time alone (null: never)."""
    window = REMEMBERED if days is None else min(REMEMBERED, timedelta(days=days))
    since = now - window
    mine = (
        select(EVENTS.c.received_at, EVENTS.c.data)
        .where(
            EVENTS.c.workspace_id == Contact.workspace_id,
            EVENTS.c.contact_id == Contact.id,
            EVENTS.c.name == name,
            EVENTS.c.id >= literal(id_floor(since - timedelta(days=1)), UuidType()),
        )
        .order_by(EVENTS.c.id.desc())
        .limit(LATEST)
        .correlate(Contact)
        .subquery()
    )
    held = select(mine.c.received_at).where(mine.c.received_at >= literal(since, DateTime(timezone=True)))
    if match:
        held = held.where(mine.c.data.op("@>")(literal(dict(match), JSONB)))
    last = held.order_by(mine.c.received_at.desc()).offset(least - 1).limit(1).scalar_subquery()
    return last.is_not(None), last + literal(window + INSTANT, Interval)


LOAD = select(EVENTS.c.contact_id, EVENTS.c.name, EVENTS.c.received_at, EVENTS.c.data)


def happenings(services: Services, contact_id: UUID, names: Sequence[str], now: datetime) -> list[Happening]:
    """A contact's latest events of these names, oldest first, as runs know them."""
    found: list[Happening] = []
    for name in names:
        mine = (
            LOAD.where(
                EVENTS.c.workspace_id == services.workspace_id,
                EVENTS.c.contact_id == contact_id,
                EVENTS.c.name == name,
                EVENTS.c.id >= literal(id_floor(now - REMEMBERED - timedelta(days=1)), UuidType()),
            )
            .order_by(EVENTS.c.id.desc())
            .limit(LATEST)
        )
        found += [Happening(row.name, row.received_at, row.data) for row in services.session.execute(mine)]
    return sorted(found, key=lambda each: each.at)
