"""Cron in a zone: what is refused, and what nights that skip or repeat an hour do to it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from autoloop.plugins.clocks import BadCron, check_cron, last_tick, next_tick


@pytest.mark.parametrize(
    ("cron", "zone", "says"),
    [
        ("0 0 30 2 *", "UTC", "no cron expression|never"),
        ("0 0 31 4,6 *", "UTC", "no cron expression|never"),
        ("61 * * * *", "UTC", "minute"),
        ("* * * *", "UTC", "five fields"),
        ("0 0 0 * * *", "UTC", "five fields"),
        ("", "UTC", "five fields"),
        ("@sometimes", "UTC", "five fields"),
        ("every day", "UTC", "five fields"),
        ("0 9 * * *\x00", "UTC", "no cron expression"),
        ("0 9 * * " + "1," * 5000 + "1", "UTC", "five fields"),
        ("0 9 * * *", "Mars/Olympus", "no time zone"),
        ("0 9 * * *", "", "no time zone"),
        ("0 9 * * *", "../../etc/passwd", "no time zone"),
    ],
)
def test_nonsense_is_refused(cron: str, zone: str, says: str) -> None:
    with pytest.raises(BadCron, match=says):
        check_cron(cron, zone)


@pytest.mark.parametrize(
    ("cron", "after", "ticks"),
    [
        # Lisbon skips 01:00 to 02:00 on 29 March 2026 and repeats it on 25 October.
        ("30 1 * * *", "2026-03-28T12:00+00:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
        ("30 1 * * *", "2026-10-24T12:00+00:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        (
            "*/30 * * * *",
            "2026-03-29T00:20+00:00",
            ["2026-03-29T00:30", "2026-03-29T01:00", "2026-03-29T01:30"],
        ),
        (
            "*/30 * * * *",
            "2026-10-25T00:20+00:00",
            ["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30"],
        ),
        ("@daily", "2026-03-28T12:00+00:00", ["2026-03-29T00:00", "2026-03-29T23:00"]),
    ],
)
def test_nights_that_skip_or_repeat_an_hour(cron: str, after: str, ticks: list[str]) -> None:
    at = datetime.fromisoformat(after)
    for tick in ticks:
        at = next_tick(cron, "Europe/Lisbon", at)
        assert at == datetime.fromisoformat(f"{tick}+00:00"), at


def test_the_last_tick_is_the_one_before() -> None:
    now = datetime(2026, 5, 4, 9, 0, 30, tzinfo=UTC)
    assert last_tick("0 9 * * mon", "UTC", now) == datetime(2026, 5, 4, 9, tzinfo=UTC)
    assert next_tick("0 9 * * mon", "UTC", now) == datetime(2026, 5, 11, 9, tzinfo=UTC)
