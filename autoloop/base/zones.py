"""Time zones that the database reckons with: one name it does not know would fail every statement that meets it."""

from __future__ import annotations

from zoneinfo import available_timezones

from sqlalchemy import text
from sqlalchemy.orm import Session

__all__ = ["is_zone", "zone_names"]

KNOWN = text("select exists (select from pg_timezone_names where name = :name)")


def zone_names() -> list[str]:
    """Every zone a person may choose, in order; not those that name whatever this machine is set to."""
    return sorted(available_timezones() - {"localtime", "Factory"})


def is_zone(session: Session, name: str) -> bool:
    """Whether Python and the database both know a zone of this name. Costs the database some 40 ms."""
    if name == "UTC":
        return True
    return name in zone_names() and bool(session.scalar(KNOWN, {"name": name}))
