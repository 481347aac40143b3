"""Send windows: the hours of the week in which marketing mail may go, in a zone's own wall clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

__all__ = ["opens_in"]


def opens_in(window: Mapping[str, Any], now: datetime, contact_zone: str, workspace_zone: str) -> float:
    """Seconds until the window is open; 0 while it is.

    `window` is {"days": [1..7], "from": "09:00", "until": "17:00", "timezone": "contact" | "workspace" |
    a zone's name}, each optional: Monday is 1, `until` is not in it. Nonsense is no window.
    """
    zone = _zone(window.get("timezone") or "contact", contact_zone, workspace_zone)
    given = window.get("days") or range(1, 8)
    days = {day for day in given if isinstance(day, int)} if isinstance(given, list | range) else set()
    opens, closes = _time(window.get("from"), time(0)), _time(window.get("until"), time.max)
    if not days or opens >= closes:
        return 0.0
    local = now.astimezone(zone)
    for ahead in range(9):
        day = local.date() + timedelta(days=ahead)
        if day.isoweekday() not in days:
            continue
        begin, end = _instant(day, opens, zone), _instant(day, closes, zone)
        if begin < end and now < end:
            return max((begin - now).total_seconds(), 0.0)
    return 0.0


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A wall-clock time as an instant. One that a night skips comes later by the skip; one that a
    night repeats means the first."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def _time(text: Any, default: time) -> time:
    try:
        return time.fromisoformat(text).replace(tzinfo=None) if text else default
    except (TypeError, ValueError):
        return default


def _zone(name: Any, contact_zone: str, workspace_zone: str) -> ZoneInfo:
    named = {"contact": contact_zone, "workspace": workspace_zone}.get(str(name), name)
    for candidate in (named, workspace_zone, "UTC"):
        try:
            return ZoneInfo(candidate)
        except (KeyError, ValueError, TypeError, OSError):
            continue
    raise AssertionError("UTC is always there")
