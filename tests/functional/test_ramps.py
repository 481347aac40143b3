"""Warm-up of senders: what a day allows, over HTTP and in SQL; nonsense is refused by its field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from autoloop.mail.governor.ramps import cap_sql
from tests.factories import Client


@pytest.mark.parametrize(
    ("ramp", "days_ago", "cap", "today"),
    [
        ({"start": 50, "factor": 1.5, "target": 1000}, 0, None, 50),
        ({"start": 50, "factor": 1.5, "target": 1000}, 2, None, 112),
        ({"start": 50, "factor": 2, "target": 1000}, 3, None, 400),
        ({"start": 50, "factor": 2, "target": 1000}, 3, 60, 60),
        ({"start": 50, "factor": 2, "target": 1000}, 5, None, None),
        ({"start": 50, "factor": 10, "target": 1000}, 100_000, 7, 7),
        ({"start": 50, "step": 25, "target": 1000}, 4, None, 150),
        ({"start": 50, "step": 25, "target": 1000}, -3, None, 50),
        (None, 0, 9, 9),
    ],
)
def test_what_a_day_allows(
    runtime: Runtime, ramp: dict[str, Any] | None, days_ago: int, cap: int | None, today: int | None
) -> None:
    day = datetime.now(UTC).date() - timedelta(days=days_ago)
    given = orjson.dumps({**ramp, "since": day.isoformat()}).decode() if ramp else None
    with runtime.unit("worker") as services:
        found = services.session.scalar(
            text(f"""select {cap_sql("s")} from (select cast(:ramp as jsonb) ramp, cast(:cap as int) daily_cap,
              'UTC' as timezone) s"""),
            {"ramp": given, "cap": cap},
        )
    assert found == today


def test_a_ramp_is_set_shown_and_taken_away(api: Client) -> None:
    given = {"name": "Ada", "address": "ada@example.org", "timezone": "Asia/Kolkata", "daily_cap": 500}
    ramp = {"start": 50, "factor": 1.5, "target": 1000}
    made = api.post("senders", given | {"ramp": ramp}).json["data"]
    assert made["cap_today"] == 50
    assert made["ramp"].items() > ramp.items()
    off = api.patch(f"senders/{made['id']}", {"no_ramp": True}).json["data"]
    assert (off["ramp"], off["cap_today"]) == (None, 500)


@pytest.mark.parametrize(
    ("ramp", "field"),
    [
        ({"start": 0, "factor": 2, "target": 10}, "ramp.start"),
        ({"start": 5, "factor": 2}, "ramp.target"),
        ({"start": 5, "factor": 2, "target": 5}, "ramp.target"),
        ({"start": 5, "target": 10}, "ramp.factor"),
        ({"start": 5, "factor": 2, "step": 2, "target": 10}, "ramp.factor"),
        ({"start": 5, "factor": 1, "target": 10}, "ramp.factor"),
        ({"start": 5, "factor": "nan", "target": 10}, "ramp.factor"),
        ({"start": 5, "factor": "1e999", "target": 10}, "ramp.factor"),
        ({"start": 5, "step": 10**30, "target": 10}, "ramp.step"),
        ({"start": 5, "step": 1, "target": 10, "since": "2020-01-01"}, "ramp"),
        ("fast", "ramp"),
    ],
)
def test_a_ramp_that_makes_no_sense_is_refused_with_its_field(api: Client, ramp: Any, field: str) -> None:
    sender = {"name": "Ada", "address": "ada@example.org", "ramp": ramp}
    details = api.post("senders", sender, status=400).json["details"]
    assert any(name.startswith(field) for name in details), details
