"""Local time: every wall clock has its moment, on the strangest nights too."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoloop.plugins.calendars import Calendar, calendar_of, first_zone, moment_of

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Cairo",
    "America/Santiago",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "UTC",
]
zones = st.sampled_from(ZONES).map(ZoneInfo)
clocks = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
moments = st.datetimes(datetime(2009, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
# Around the nights that matter, chance alone would seldom come by.
nights = st.builds(
    lambda night, hours: night + timedelta(minutes=hours),
    st.sampled_from(
        [
            datetime(2026, 3, 29, tzinfo=UTC),
            datetime(2026, 10, 25, tzinfo=UTC),
            datetime(2026, 3, 8, tzinfo=UTC),
            datetime(2026, 11, 1, tzinfo=UTC),
            datetime(2026, 4, 4, tzinfo=UTC),
            datetime(2026, 10, 3, tzinfo=UTC),
            datetime(2011, 12, 30, tzinfo=UTC),
            datetime(2026, 9, 6, tzinfo=UTC),
        ]
    ),
    st.integers(-2_000, 2_000),
)
whens = st.one_of(moments, nights)
weekdays = st.frozensets(st.integers(1, 7), min_size=1)


@pytest.mark.parametrize(
    ("zone", "day", "at", "moment"),
    [
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:00:00+00:00"),  # skipped: 03:00 summer time
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00+00:00"),  # twice: the first
        ("America/New_York", "2026-03-08", "02:00", "2026-03-08T07:00:00+00:00"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30:00+00:00"),
        (
            "Australia/Lord_Howe",
            "2026-10-04",
            "02:15",
            "2026-10-03T15:30:00+00:00",
        ),  # half an hour is skipped
        ("Africa/Cairo", "2026-04-24", "00:10", "2026-04-23T22:00:00+00:00"),  # midnight is skipped
        ("Pacific/Apia", "2011-12-30", "12:00", "2011-12-30T10:00:00+00:00"),  # the day is skipped
        ("Asia/Kathmandu", "2026-01-01", "09:00", "2026-01-01T03:15:00+00:00"),
    ],
)
def test_known_nights(zone: str, day: str, at: str, moment: str) -> None:
    found = moment_of(date.fromisoformat(day), time.fromisoformat(at), ZoneInfo(zone))
    assert found.isoformat() == moment


@given(zones, st.dates(date(2009, 1, 1), date(2035, 1, 1)), clocks)
def test_a_moment_shows_its_wall_clock_or_lies_right_after_a_gap(zone: ZoneInfo, day: date, at: time) -> None:
    found = moment_of(day, at, zone)
    wall = datetime.combine(day, at)
    shown = found.astimezone(zone).replace(tzinfo=None, fold=0)
    if shown == wall:
        assert found.astimezone(zone).fold == 0, "the first of two"
    else:
        before = (found - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
        assert before < wall < shown, "the first moment after the gap"


@given(whens, zones, clocks, weekdays)
def test_the_next_time_lies_ahead_on_an_allowed_day(
    now: datetime, zone: ZoneInfo, at: time, days: frozenset[int]
) -> None:
    calendar = Calendar(zone, days)
    found = calendar.next_time(now, at)
    assert found is not None and found > now
    local = found.astimezone(zone)
    assert local.isoweekday() in days
    if local.time() != at:
        before = (found - timedelta(seconds=1)).astimezone(zone)
        assert before.replace(tzinfo=None) < datetime.combine(local.date(), at) < local.replace(tzinfo=None)
    day = now.astimezone(zone).date()
    while day < local.date():  # and no allowed day in between was missed
        assert not calendar.works(day) or not calendar.exists(day) or moment_of(day, at, zone) <= now
        day += timedelta(days=1)


@given(whens, zones, clocks, clocks, weekdays)
def test_a_window_is_never_missed_or_stretched(
    now: datetime, zone: ZoneInfo, opens: time, closes: time, days: frozenset[int]
) -> None:
    found = Calendar(zone, days).next_in_window(now, opens, closes)
    assert found is not None and found >= now
    local = found.astimezone(zone)
    if opens < closes:
        assert local.isoweekday() in days and opens <= local.time() < closes
    elif found > now:  # it opens then; after midnight only where a night skips its hour
        begun = local if local.time() >= opens else local - timedelta(hours=2)
        assert begun.isoweekday() in days
    else:
        assert local.time() >= opens or local.time() < closes
    assert Calendar(zone, days).next_in_window(found, opens, closes) == found, "it is open then"


@given(
    whens, zones, st.integers(0, 30), weekdays, st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)))
)
def test_working_days_are_counted(
    now: datetime, zone: ZoneInfo, count: int, days: frozenset[int], holidays: frozenset[date]
) -> None:
    calendar = Calendar(zone, days, holidays)
    found = calendar.after_working_days(now, count)
    assert found is not None and found >= now
    start, end = now.astimezone(zone).date(), found.astimezone(zone).date()
    assert calendar.works(end)
    between = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    assert sum(calendar.works(day) and calendar.exists(day) for day in between) == (
        count or int(found != now)
    )


def test_holidays_may_leave_no_day_at_all() -> None:
    everyday = frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(11_000))
    closed = Calendar(ZoneInfo("UTC"), holidays=everyday)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert closed.next_time(now, time(9)) is closed.next_in_window(now, time(9), None) is None
    assert closed.after_working_days(now, 1) is None


def test_unknown_zones_are_passed_over_and_told() -> None:
    zone, unknown = first_zone(["", None, "Mars/Olympus", "../etc/passwd", "Asia/Kathmandu", "UTC"])
    assert (zone.key, unknown) == ("Asia/Kathmandu", ["Mars/Olympus", "../etc/passwd"])
    assert first_zone([])[0].key == "UTC"
    calendar, _ = calendar_of([], {"working_days": [6, "x", 9], "holidays": ["2026-01-01", "never", None]})
    assert calendar.days == {6} and calendar.holidays == {date(2026, 1, 1)}
