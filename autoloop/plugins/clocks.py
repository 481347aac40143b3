"""Cron expressions in a time zone: five fields, defined on nights that skip or repeat an hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

__all__ = ["BadCron", "Timetable", "check_cron", "last_tick", "next_tick"]

NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}


class BadCron(ValueError):
    """An expression that says nothing, or never comes true; the message is for people."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a trigger ticks and whom it enrols.

    `whom` is {"all": true}, {"tag": name} or {"segment": id}. `missed` says what becomes of ticks that
    nobody was there for: "once" makes up for the last of them, "skip" for none.
    """

    cron: str
    timezone: str
    whom: Mapping[str, Any]
    missed: str = "once"


def check_cron(cron: str, timezone: str = "UTC", at: datetime | None = None) -> None:
    """Raise BadCron unless the expression comes true some day and the zone is one."""
    if timezone not in available_timezones():
        raise BadCron(f"“{timezone[:60]}” is no time zone.")
    next_tick(cron, timezone, at or datetime.now(UTC))


def next_tick(cron: str, timezone: str, after: datetime) -> datetime:
    """The first moment after `after`, in UTC. Raises BadCron.

    As Debian's cron: where the clock skips an hour, what was set for a time in it happens right after;
    where it repeats one, it happens once. Expressions that start with * follow the clock.
    """
    return _tick(cron, timezone, after, reverse=False)


def last_tick(cron: str, timezone: str, before: datetime) -> datetime:
    """The last moment before `before`, in UTC."""
    return _tick(cron, timezone, before, reverse=True)


def _tick(cron: str, timezone: str, at: datetime, *, reverse: bool) -> datetime:
    fields = NAMED.get(cron.strip().lower(), cron).split()
    if len(fields) != 5 or len(cron) > 200:
        raise BadCron("A cron expression has five fields: minute, hour, day, month, weekday.")
    try:
        found = next(CronSim(" ".join(fields), at.astimezone(ZoneInfo(timezone)), reverse=reverse), None)
    except CronSimError as error:
        raise BadCron(f"This is no cron expression: {str(error)[:1].lower()}{str(error)[1:]}.") from None
    if found is None:
        raise BadCron("This cron expression never comes true.")
    return found.astimezone(UTC)
