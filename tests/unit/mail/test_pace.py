"""Slowing down and finding the speed again, with a clock of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from autoloop.mail.governor import pace as paces
from autoloop.mail.governor.pace import Pace, accepted, is_open, pushes_back, troubled

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
pushed_back = partial(paces.pushed_back, chance=lambda: 0.0)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_push_back_halves_the_speed_once_a_round_and_success_brings_it_back_slowly() -> None:
    pace = pushed_back(Pace(), NOW, speed=40)
    assert (pace.rate, pace.ceiling, pace.open_until) == (20, 40, None)
    pace = pushed_back(pace, after(3), speed=40)
    assert pace.rate == 20, "what was under way could not know of it"
    pace = pushed_back(pace, after(20), speed=40)
    assert (pace.rate, pace.ceiling) == (10, 40)
    began, seconds, now = pace.rate, 0, pace
    while now is not None:
        assert now.rate is not None and now.rate <= 40
        began, seconds, now = now.rate, seconds + 1, accepted(now, round(now.rate))
    assert 35 < began < 40
    assert 13 * 60 < seconds < 17 * 60, "three quarters of the way take three quarters of twenty minutes"


def test_who_was_never_fast_is_not_made_faster_by_a_push_back() -> None:
    pace = pushed_back(Pace(), NOW, speed=0.01)
    assert pace.rate == 0.5
    for minute in range(1, 40):
        pace = replace(pushed_back(pace, after(60 * minute), speed=0), failures=0, open_until=None)
    assert pace.rate == pytest.approx(1 / 300)
    once = accepted(pace, 1)
    assert once is not None and once.rate == pytest.approx(2 / 300), "one that got through doubles it at most"


def test_the_breaker_opens_lets_one_through_and_waits_twice_as_long_up_to_six_hours() -> None:
    pace = pushed_back(Pace(), NOW, speed=1, count=4)
    assert pace.open_until is None
    pace = pushed_back(pace, after(30), speed=1)
    assert is_open(pace, after(89)) and not is_open(pace, after(91))
    assert pushed_back(pace, after(31), speed=1).open_until == pace.open_until, "a latecomer changes nothing"
    waits, now = [], after(30)
    for _ in range(12):
        assert pace.open_until is not None
        waits.append((pace.open_until - now).total_seconds())
        now = pace.open_until
        pace = pushed_back(pace, now, speed=1)
    assert waits[:4] == [60, 120, 240, 480]
    assert waits[-1] == timedelta(hours=6).total_seconds()
    closed = accepted(replace(pace, probe_until=now), 1)
    assert closed is not None
    assert (closed.open_until, closed.probe_until, closed.failures, closed.openings) == (None, None, 0, 0)
    assert closed.rate is not None and closed.rate < 0.05, "closed, but not at full speed at once"


def test_a_break_is_as_long_as_the_other_side_asks_for_and_at_most_a_day() -> None:
    assert pushed_back(Pace(), NOW, speed=1, asked=90).open_until == after(90)
    assert pushed_back(Pace(), NOW, speed=1, count=9, asked=5).open_until == after(60)
    assert pushed_back(Pace(), NOW, speed=1, asked=10**12).open_until == after(86_400)
    assert troubled(Pace(), NOW, asked=3600).open_until == after(3600)


def test_trouble_of_the_account_is_a_break_at_once_that_grows() -> None:
    pace = troubled(Pace(), NOW, chance=lambda: 0.0)
    assert pace.open_until == after(20)
    assert troubled(pace, after(1)).open_until == pace.open_until
    assert troubled(pace, after(20), chance=lambda: 1.0).open_until == after(20 + 30)
    assert accepted(pace, 1) is None


@pytest.mark.parametrize(
    ("code", "asked", "slows"),
    [
        *((code, None, True) for code in (421, 450, 451, 452, 454, 429)),
        *((code, None, False) for code in (550, 432, None)),
        (503, 30.0, True),
    ],
)
def test_what_counts_as_a_push_back(code: int | None, asked: float | None, slows: bool) -> None:
    assert pushes_back(code, asked) is slows
