"""The warm-up on a sender's page: its fields, and what it allows from day to day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from autoloop.mail.governor.ramps import allowed_on, days_until_over

__all__ = ["ramp_changes", "ramp_fields", "warming"]

FIELDS = ("ramp_growth", "ramp_start", "ramp_by", "ramp_target")
LONGEST = 36_500  # days; what ends later has no date worth showing


def ramp_fields(ramp: Mapping[str, Any] | None) -> dict[str, Any]:
    """A ramp as the form's flat fields."""
    growth = "factor" if ramp and "factor" in ramp else "step" if ramp else ""
    values = (
        (growth, *(ramp.get(key) for key in ("start", growth, "target"))) if ramp else (growth, "", "", "")
    )
    return dict(zip(FIELDS, values, strict=True))


def ramp_changes(given: dict[str, str], ramp: Mapping[str, Any] | None) -> dict[str, Any]:
    """The form's flat fields as `ramp` or `no_ramp`. What is saved as it was does not begin again."""
    read: dict[str, Any] = {key: value for key, value in given.items() if key not in FIELDS}
    if "ramp_growth" not in given:
        return read | {"no_ramp": "true"}
    growth, start, by, target = (given.get(field) for field in FIELDS)
    wanted = {key: value for key, value in (("start", start), (growth, by), ("target", target)) if value}
    same = ramp is not None and {key: _number(ramp[key]) for key in ramp if key != "since"} == {
        key: _number(value) for key, value in wanted.items()
    }
    return read if same else read | {"ramp": wanted}


def _number(value: Any) -> Any:
    try:
        return float(value)
    except ValueError:
        return value


def warming(row: Any, now: datetime) -> dict[str, Any] | None:
    """{"day" (1 is the first), "today", "tomorrow", "ends" (a date, or None if far)}; None once it is over."""
    if not row.ramp:
        return None
    since = date.fromisoformat(row.ramp["since"])
    day = max((now.astimezone(ZoneInfo(row.timezone)).date() - since).days, 0)
    today = allowed_on(row.ramp, day)
    if today is None:
        return None
    days = days_until_over(row.ramp)
    ends = since + timedelta(days=days) if days <= LONGEST else None
    return {"day": day + 1, "today": today, "tomorrow": allowed_on(row.ramp, day + 1), "ends": ends}
