"""Warm-up of senders: what a day allows, over HTTP and in SQL; nonsense is refused by its field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from autoloop.mail.governor.ramps import allowed_on, cap_sql
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld


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
    if ramp and cap is None:
        assert allowed_on(ramp, max(days_ago, 0)) == today, "the page says what the SQL counts"


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


def test_a_person_sets_a_warm_up_on_the_senders_page_and_saving_again_does_not_restart_it(
    wsgi: object, runtime: Runtime, tenant: Tenant, api: Client
) -> None:
    # In a zone whose day does not end while this runs.
    zone = "Asia/Tokyo" if datetime.now(UTC).hour > 20 else "UTC"
    world = MailWorld(runtime, tenant, sender={"timezone": zone})
    browser, page = Browser(wsgi, runtime, tenant.user_id), f"/w/{tenant.slug}/senders/{world.sender_id}"
    at = f"senders/{world.sender_id}"
    form = browser.get(page).forms["sender"]
    form["ramp_growth"], form["ramp_start"], form["ramp_by"] = "factor", "20", "1.5"
    refused = form.submit(expect_errors=True)
    assert refused.status_int == 422 and refused.forms["sender"]["ramp_start"].value == "20"
    assert api.data(at)["ramp"] is None
    form["ramp_target"] = "1000"
    assert form.submit().status_int == 303
    ramp = api.data(at)["ramp"]
    assert (ramp["start"], ramp["factor"], ramp["target"], api.data(at)["cap_today"]) == (20, 1.5, 1000, 20)

    world.sql(
        """update senders set ramp = ramp || jsonb_build_object('since', (ramp ->> 'since')::date - 2)
        where workspace_id = :w and id = :id""",
        id=world.sender_id,
    )
    shown = browser.get(page)
    assert "Day 3: 45 today, 0 of them sent; 67 tomorrow." in shown.text
    began = api.data(at)["ramp"]["since"]
    form = shown.forms["sender"]
    form["name"] = "Ada Lowe"
    assert form.submit().status_int == 303
    assert (api.data(at)["name"], api.data(at)["ramp"]["since"]) == ("Ada Lowe", began)
    form = browser.get(page).forms["sender"]
    form["ramp_growth"], form["ramp_by"] = "step", "30"
    assert form.submit().status_int == 303
    assert (api.data(at)["ramp"]["step"], api.data(at)["cap_today"]) == (30, 20), "another begins today"
    form = browser.get(page).forms["sender"]
    form["ramp_growth"] = ""
    assert form.submit().status_int == 303
    assert api.data(at)["ramp"] is None
