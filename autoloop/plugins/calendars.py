"""Local time and working days, pure: wall clocks turned into moments that always exist.

A wall-clock time that a night skips means the first moment after the gap; one that a night repeats means
the first of the two; a day that a zone skipped (as Samoa did) is no day. Moments are aware, in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

__all__ = ["Calendar", "calendar_of", "find_zone", "first_zone", "moment_of"]

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
FARTHEST = 3_660
WORKING = frozenset({1, 2, 3, 4, 5})


@lru_cache(1024)
def find_zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA name; None if there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def first_zone(names: Iterable[Any]) -> tuple[ZoneInfo, list[str]]:
    """The first of the names that is a zone, else UTC; and those before it that are none. Empty ones are passed over."""
    unknown: list[str] = []
    for name in names:
        if isinstance(name, str) and name:
            zone = find_zone(name)
            if zone is not None:
                return zone, unknown
            unknown.append(name[:60])
    return ZoneInfo("UTC"), unknown


def moment_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment of a wall-clock time in a zone."""
    wall = datetime.combine(day, at.replace(tzinfo=None, fold=0))
    first = wall.replace(tzinfo=zone).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
        return first
    # In the gap the offset before it (fold 0) leads past its end, the one after it (fold 1) before its start.
    low = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    high, after = first, first.astimezone(zone).utcoffset()
    while high - low > SECOND:
        middle = low + (high - low) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        if middle <= low:
            break
        low, high = (low, middle) if middle.astimezone(zone).utcoffset() == after else (middle, high)
    return high.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days and hours of one place. `days` are ISO weekdays that count as working (Monday is 1)."""

    zone: ZoneInfo
    days: frozenset[int] = WORKING
    holidays: frozenset[date] = field(default_factory=frozenset)

    def works(self, day: date) -> bool:
        return day.isoweekday() in self.days and day not in self.holidays

    def exists(self, day: date) -> bool:
        return moment_of(day, time(0), self.zone) < moment_of(day + DAY, time(0), self.zone)

    def next_time(
        self, now: datetime, at: time, allowed: Callable[[date], bool] | None = None
    ) -> datetime | None:
        """The first moment after `now` at which clocks show `at` on an allowed day; None within ten years."""
        today = now.astimezone(self.zone).date()
        for ahead in range(FARTHEST):
            day = today + ahead * DAY
            if (allowed or self.works)(day) and self.exists(day):
                moment = moment_of(day, at, self.zone)
                if moment > now:
                    return moment
        return None

    def after_working_days(self, now: datetime, count: int) -> datetime | None:
        """The same wall-clock time `count` working days on; with 0, `now` if today is one, else on the next."""
        local = now.astimezone(self.zone)
        if count == 0 and self.works(local.date()):
            return now
        left, day = max(count, 1), local.date()
        for _ in range(FARTHEST * 2):
            day += DAY
            if self.works(day) and self.exists(day):
                left -= 1
                if left == 0:
                    return moment_of(day, local.time(), self.zone)
        return None

    def next_in_window(
        self, now: datetime, opens: time, closes: time | None, allowed: Callable[[date], bool] | None = None
    ) -> datetime | None:
        """`now` if it lies in the window of an allowed day, else when the next one opens; None within ten years.

        The window holds its beginning and not its end; `closes` None is midnight. One that closes at or before
        the hour at which it opens closes on the next day, and is the window of the day on which it opens. A
        window that a night skips whole is passed over; on a night that repeats an hour it is open once.
        """
        until = closes or time(0)
        over = DAY if until <= opens else timedelta(0)
        today = now.astimezone(self.zone).date()
        for ahead in range(-over.days, FARTHEST):
            day = today + ahead * DAY
            if not (allowed or self.works)(day) or not self.exists(day):
                continue
            begin = moment_of(day, opens, self.zone)
            end = moment_of(day + over, until, self.zone)
            if begin < end and now < end:
                return max(begin, now)
        return None


def calendar_of(
    names: Iterable[Any], workspace: Mapping[str, Any], holidays: Iterable[date] = ()
) -> tuple[Calendar, list[str]]:
    """A calendar in the first zone of `names` with the workspace's working days and holidays; unknown zones beside."""
    zone, unknown = first_zone(names)
    days = frozenset(day for day in workspace.get("working_days") or WORKING if day in range(1, 8))
    free = frozenset((*_dates(workspace.get("holidays")), *holidays))
    return Calendar(zone, days or WORKING, free), unknown


def _dates(given: Any) -> Iterable[date]:
    for text in given or ():
        try:
            yield date.fromisoformat(text)
        except (TypeError, ValueError):
            continue
