"""Values in conditions: what counts as a number and as a moment, the same here and in the database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

__all__ = ["MOMENT", "contains", "moment", "number"]

LARGEST, SMALLEST = 1e300, 1e-300

# The part of ISO 8601 that databases, spreadsheets and JSON write. PostgreSQL reads it by the same expression.
MOMENT = (
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_MOMENT = re.compile(MOMENT)


def number(value: Any) -> float | None:
    """The number as comparisons see it, in double precision; None for true, false, texts, NaN and what
    reaches 1e300. What is closer to nothing than 1e-300 is 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        held = float(value)
    except OverflowError:
        return None
    if not -LARGEST < held < LARGEST:
        return None
    return held if abs(held) >= SMALLEST else 0.0


def moment(value: Any) -> datetime | None:
    """A moment in UTC from a datetime, a date (its midnight) or ISO 8601 text; else None.

    Text without a zone is UTC. A moment outside the years 1 to 9999 is none.
    """
    if isinstance(value, str):
        return _read(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        return None
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _read(text: str) -> datetime | None:
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        return datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "").ljust(6, "0")),
            _zone(zone),
        ).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    if int(text[-2:]) > 59:
        raise ValueError(text)
    ahead = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-ahead if text[0] == "-" else ahead)


def contains(data: Any, match: Any) -> bool:
    """JSON containment, as PostgreSQL's `data @> match`."""
    if isinstance(match, Mapping):
        return isinstance(data, Mapping) and all(k in data and contains(data[k], v) for k, v in match.items())
    if isinstance(match, list | tuple):
        return isinstance(data, list | tuple) and all(any(contains(d, m) for d in data) for m in match)
    if isinstance(data, bool) or isinstance(match, bool):
        return data is match
    return bool(data == match)
