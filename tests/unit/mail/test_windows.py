"""Send windows in a zone's own wall clock, on nights that skip or repeat it too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoloop.mail.windows import opens_in

OFFICE = {"days": [1, 2, 3, 4, 5], "from": "09:00", "until": "17:00"}
NIGHT = {"days": [1, 2, 3, 4, 5], "from": "22:00", "until": "06:00"}
BERLIN, KOLKATA = "Europe/Berlin", "Asia/Kolkata"


def wait(window: dict[str, Any], now: str, contact: str = BERLIN, workspace: str = "UTC") -> float:
    return opens_in(window, datetime.fromisoformat(now).replace(tzinfo=UTC), contact, workspace) / 3600


@pytest.mark.parametrize(
    ("window", "now", "contact", "hours"),
    [
        (OFFICE, "2026-11-23 08:00", BERLIN, 0),  # a Monday, 09:00 there
        (OFFICE, "2026-11-23 07:00", BERLIN, 1),
        (OFFICE, "2026-11-23 16:00", BERLIN, 16),  # 17:00 is past the end
        (OFFICE, "2026-11-20 16:00", BERLIN, 64),  # Friday evening waits for Monday
        (OFFICE, "2026-11-23 03:30", KOLKATA, 0),
        (OFFICE | {"timezone": "workspace"}, "2026-11-23 08:00", KOLKATA, 1),
        (OFFICE | {"timezone": "Asia/Tokyo"}, "2026-11-23 00:00", BERLIN, 0),
        (OFFICE | {"timezone": "Mars/Base"}, "2026-11-23 09:00", BERLIN, 0),
        ({"days": [7]}, "2026-11-23 12:00", "UTC", 132),
        # 02:30 is skipped on 29 March 2026: that night has no window, the next has.
        ({"from": "02:30", "until": "03:00"}, "2026-03-29 00:00", BERLIN, 24.5),
        # 02:30 comes twice on 25 October 2026: the first counts.
        ({"from": "02:30", "until": "04:00"}, "2026-10-25 00:00", BERLIN, 0.5),
        ({"from": "09:00", "until": "09:00"}, "2026-11-23 07:00", BERLIN, 0),  # nonsense is no window
        (NIGHT, "2026-11-23 12:00", BERLIN, 9),
        (NIGHT, "2026-11-24 04:30", BERLIN, 0),  # Tuesday morning is Monday's window still
        (NIGHT, "2026-11-28 04:30", BERLIN, 0),  # and Saturday morning is Friday's
        (NIGHT, "2026-11-28 05:00", BERLIN, 64),
        ({"days": [7], "until": "00:00"}, "2026-11-23 12:00", "UTC", 132),
        (NIGHT | {"until": "00:00"}, "2026-11-23 22:59", BERLIN, 0),
        ({"days": [], "from": 9}, "2026-11-23 12:00", BERLIN, 0),
        ({"days": 5, "from": "09:00+02:00", "until": "17:00", "timezone": []}, "2026-11-23 12:00", BERLIN, 0),
    ],
)
def test_when_it_opens(window: dict[str, Any], now: str, contact: str, hours: float) -> None:
    assert wait(window, now, contact) == hours


SHOP = {"working_days": [2, 3, 4, 5, 6], "holidays": ["2026-11-24", "nonsense"]}


@pytest.mark.parametrize(
    ("window", "now", "hours"),
    [
        ({"from": "09:00"}, "2026-11-23 08:00", 48),  # Monday is free there, Tuesday a holiday
        (OFFICE, "2026-11-23 08:00", 0),  # named days stand over the workspace's
        (OFFICE, "2026-11-24 08:00", 24),  # but not over its holidays
        # In the recipient's zone: in Kolkata the holiday is over while it lasts in UTC.
        (OFFICE | {"from": "00:00", "timezone": "Asia/Kolkata"}, "2026-11-24 18:00", 0.5),
    ],
)
def test_working_days_and_holidays_of_the_workspace(window: dict[str, Any], now: str, hours: float) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert opens_in(window, moment, BERLIN, "UTC", SHOP) == hours * 3600


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from([BERLIN, KOLKATA, "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
    st.sets(st.integers(1, 7), min_size=1),
)
def test_at_the_moment_it_names_it_is_open(now: datetime, zone: str, days: set[int]) -> None:
    window = {"days": sorted(days), "from": "09:00", "until": "17:00"}
    moment = now.replace(tzinfo=UTC)
    opens = moment + timedelta(seconds=opens_in(window, moment, zone, "UTC"))
    assert opens_in(window, opens, zone, "UTC") == 0
