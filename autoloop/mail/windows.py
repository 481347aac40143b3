"""Send windows: the hours of the week in which marketing mail may go, in a zone's own wall clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from autoloop.plugins.calendars import calendar_of

__all__ = ["opens_in"]

EVERY_DAY = list(range(1, 8))


def opens_in(
    window: Mapping[str, Any],
    now: datetime,
    contact_zone: str,
    workspace_zone: str,
    workspace: Mapping[str, Any] | None = None,
) -> float:
    """Seconds until the window is open; 0 while it is.

    `window` is {"days": [1..7], "from": "09:00", "until": "17:00", "timezone": "contact" | "workspace" |
    a zone's name}, each optional: Monday is 1, `until` is not in it. A window over midnight is that
    of the day on which it opens. Without days it is open on the
    working days of `workspace` ({"working_days", "holidays"}), on all days if it names none. On its
    holidays no window opens, by the calendar of the window's zone. Nonsense is no window. Nights
    that skip or repeat an hour: see autoloop.plugins.calendars.
    """
    named = {"contact": contact_zone, "workspace": workspace_zone}
    zone = window.get("timezone") or "contact"
    place = named.get(zone, zone) if isinstance(zone, str) else None
    known = workspace or {}
    given = window.get("days") or known.get("working_days") or EVERY_DAY
    days = [day for day in given if isinstance(day, int)] if isinstance(given, list) else []
    opens = _time(window.get("from")) or time(0)
    closes = _time(window.get("until"))
    closes = None if closes == time(0) else closes
    if not days or (closes == opens):
        return 0.0
    facts = {"working_days": days, "holidays": known.get("holidays")}
    calendar, _unknown = calendar_of((place, workspace_zone), facts)
    found = calendar.next_in_window(now, opens, closes)
    return max((found - now).total_seconds(), 0.0) if found else 0.0


def _time(text: Any) -> time | None:
    try:
        return time.fromisoformat(text).replace(tzinfo=None) if text else None
    except (TypeError, ValueError):
        return None
