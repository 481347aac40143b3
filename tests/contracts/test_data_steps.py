"""Steps of time and data keep the contract, and mean what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autoloop.plugins import Next, Resumed, WaitUntil
from autoloop.plugins.effects import Emit, RemoveTag, UpdateBusiness
from autoloop.plugins.expressions import ExpressionError
from autoloop.plugins.forms import read_config
from autoloop.plugins.testing import StepContract, visit
from autoloop.plugins.testing.fakes import NOW
from autoloop_plugins.steps.emit_event import EmitEvent
from autoloop_plugins.steps.lookup_contact import LookupContact
from autoloop_plugins.steps.remove_tag import RemoveTag as RemoveTagStep
from autoloop_plugins.steps.update_business import UpdateBusiness as UpdateBusinessStep
from autoloop_plugins.steps.update_contact import UpdateContact
from autoloop_plugins.steps.wait import Wait
from autoloop_plugins.steps.wait_until import WaitUntilStep

BERLIN = {"timezone": "Europe/Berlin"}
TIMER = Resumed("timer", NOW)


def at(text: str) -> WaitUntil:
    return WaitUntil(datetime.fromisoformat(text).astimezone(UTC))


class TestRemoveTag(StepContract):
    step = RemoveTagStep
    configs = ({"tag": "vip"},)
    bad_configs = ({}, {"tag": ""})

    def test_it_asks_for_the_change(self) -> None:
        assert visit(RemoveTagStep, {"tag": "vip"}) == Next(effects=(RemoveTag("vip"),))


class TestEmitEvent(StepContract):
    step = EmitEvent
    configs = (
        {"event": "order.packed"},
        {"event": "a", "data": [{"name": "to", "value": "{{ contact.email }}"}]},
    )
    bad_configs = (
        {},
        {"event": "contact.created"},
        {"event": "a", "data": [{"name": "x"}, {"name": "x"}]},
        {"event": "a", "data": [{"name": "x", "value": "{{ broken"}]},
    )

    def test_data_are_reckoned(self) -> None:
        config = {"event": "a", "data": [{"name": "n", "value": "{{ event.data.n | plus: 1 }}"}]}
        event = {"name": "a", "data": {"n": 1}}
        assert visit(EmitEvent, config, event=event) == Next(effects=(Emit("a", {"n": 2}),))


class TestUpdateBusiness(StepContract):
    step = UpdateBusinessStep
    configs = ({"set": [{"field": "city", "value": "{{ contact.fields.city }}"}]},)
    bad_configs = (
        {},
        {"set": []},
        {"set": [{"field": "name", "value": "x"}]},
        {"set": [{"field": "status", "value": "gone"}]},
        {"set": [{"field": "city", "value": ["x"]}]},
        {"set": [{"field": "city", "value": "x"}, {"field": "city", "value": "y"}]},
    )

    def test_a_contact_without_one_goes_on(self) -> None:
        config = {"set": [{"field": "city", "value": "Ulm"}]}
        assert visit(UpdateBusinessStep, config).effects == ()
        found = visit(UpdateBusinessStep, config, business={"name": "A"})
        assert found.effects == (UpdateBusiness({"city": "Ulm"}),)


class TestLookupContact(StepContract):
    step = LookupContact
    configs = ({"value": "{{ contact.fields.boss }}"}, {"by": "fields.badge", "value": "7"})
    bad_configs = ({}, {"by": "name", "value": "x"}, {"value": "{{"}, {"value": ["x"]})


KINDS = {
    "fields": {
        "contact": {
            "age": {"kind": "number", "choices": []},
            "size": {"kind": "choice", "choices": ["s", "m"]},
            "paid": {"kind": "boolean", "choices": []},
            "day": {"kind": "date", "choices": []},
        }
    }
}


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("fields.age", "{{ contact.fields.age | plus: 1 }}", 8),
        ("fields.age", "12", 12),
        ("fields.age", "old", None),
        ("fields.size", "M", "m"),
        ("fields.size", "{{ contact.email }}", None),
        ("fields.paid", "{{ contact.fields.age }}", None),
        ("fields.day", "{{ now | date: '%Y-%m-%d' }}", "2026-03-02"),
        ("fields.day", "soon", None),
        ("fields.none", "x", None),
        ("title", "Dr {{ contact.fields.age }}", "Dr 7"),
        ("title", "{{ contact.long }}", None),
        ("timezone", "{{ contact.email }}", None),
    ],
)
def test_a_value_fits_its_field_or_the_step_fails(field: str, value: str, kept: Any) -> None:
    contact = {"email": "a@b.example", "fields": {"age": 7}, "long": "x" * 201}
    config = {"set": [{"field": field, "value": value}]}
    if kept is None:
        with pytest.raises(ExpressionError, match=field):
            visit(UpdateContact, config, contact=contact, workspace=KINDS)
    else:
        found = visit(UpdateContact, config, contact=contact, workspace=KINDS)
        assert found.effects[0].set == {field: kept}


class TestWaitUntil(StepContract):
    step = WaitUntilStep
    configs = (
        {"mode": "time", "at": "09:30"},
        {"mode": "weekday", "days": [1, 5]},
        {"mode": "date", "field": "fields.renewal", "offset": -14},
        {"mode": "moment", "moment": "2027-01-01T08:00"},
        {"mode": "moment", "moment": "{{ contact.fields.day }}"},
        {"mode": "window", "at": "08:00", "until": "24:00", "timezone": "Asia/Tokyo"},
    )
    bad_configs = (
        {},
        {"mode": "never"},
        {"mode": "time", "at": "9:00"},
        {"mode": "time", "at": "24:00"},
        {"mode": "weekday"},
        {"mode": "date"},
        {"mode": "moment"},
        {"mode": "moment", "moment": "soon"},
        {"mode": "window", "at": "09:00", "until": "09:00"},
        {"mode": "time", "timezone": "Mars/Olympus"},
        {"mode": "time", "days": [8]},
    )

    @pytest.mark.parametrize(
        ("config", "until"),
        [
            ({"mode": "time", "at": "09:30"}, "2026-03-03T09:30+01:00"),  # NOW is 10:00 in Berlin, a Monday
            ({"mode": "time", "at": "10:30"}, "2026-03-02T10:30+01:00"),
            ({"mode": "weekday", "days": [7], "at": "09:00"}, "2026-03-08T09:00+01:00"),
            ({"mode": "time", "timezone": "Asia/Tokyo"}, "2026-03-03T09:00+09:00"),
            ({"mode": "time", "timezone": "business"}, "2026-03-02T09:00-05:00"),
            ({"mode": "date", "field": "fields.day", "offset": -1}, "2026-03-28T09:00+01:00"),
            ({"mode": "date", "field": "fields.day", "at": "02:30"}, "2026-03-29T03:00+02:00"),
            ({"mode": "date", "field": "fields.day", "working_days_only": True}, "2026-03-31T09:00+02:00"),
            ({"mode": "date", "field": "fields.born", "every_year": True}, "2027-02-28T09:00+01:00"),
            ({"mode": "date", "field": "created_at", "offset": 30}, "2026-04-01T09:00+02:00"),
            ({"mode": "moment", "moment": "2026-05-01T10:00"}, "2026-05-01T10:00+02:00"),
            ({"mode": "moment", "moment": "{{ contact.fields.day }}"}, "2026-03-29T09:00+02:00"),
            ({"mode": "window", "at": "12:00", "until": "13:00"}, "2026-03-02T12:00+01:00"),
            ({"mode": "window", "at": "08:00", "until": "09:00"}, "2026-03-03T08:00+01:00"),
        ],
    )
    def test_until_when(self, config: dict[str, Any], until: str) -> None:
        known = {
            "contact": {
                **BERLIN,
                "created_at": "2026-03-01T23:30:00+00:00",  # the second of March there
                "fields": {"day": "2026-03-29", "born": "1996-02-29"},
            },
            "business": {"timezone": "America/New_York"},
            "workspace": {"timezone": "UTC", "holidays": ["2026-03-30"]},
        }
        assert visit(WaitUntilStep, config, **known) == at(until)

    @pytest.mark.parametrize(
        ("day", "port"),
        [(None, "missing"), ("soon", "missing"), ("2026-03-01", "passed"), ("2026-03-04", None)],
    )
    def test_a_date_may_be_missing_or_past(self, day: str | None, port: str | None) -> None:
        config = {"mode": "date", "field": "fields.day"}
        contact = {"fields": {"day": day}}
        first = visit(WaitUntilStep, config, contact=contact)
        assert isinstance(first, WaitUntil) and first.at >= NOW
        second = visit(WaitUntilStep, config, contact=contact, resumed=TIMER)
        assert second == first if port is None else second.port == port
        after = visit(WaitUntilStep, config, contact=contact, resumed=TIMER, now=NOW + timedelta(days=9))
        assert after.port == (port or "next")

    def test_a_window_that_closed_meanwhile_is_waited_for_again(self) -> None:
        config = {"mode": "window", "at": "09:00", "until": "17:00"}
        assert visit(WaitUntilStep, config) == WaitUntil(NOW)
        assert visit(WaitUntilStep, config, resumed=TIMER).port == "next"
        late = visit(WaitUntilStep, config, resumed=TIMER, now=NOW + timedelta(hours=9))
        assert late == at("2026-03-03T09:00+00:00")

    def test_an_unknown_zone_is_passed_over_and_noted(self) -> None:
        contact = {"timezone": "Mars/Olympus"}
        known = {"contact": contact, "business": {}, "workspace": {"timezone": "Asia/Tokyo"}}
        assert visit(WaitUntilStep, {"mode": "time"}, **known) == at("2026-03-03T09:00+09:00")
        done = visit(WaitUntilStep, {"mode": "time"}, resumed=TIMER, **known)
        assert done.why == {"timezone": "Asia/Tokyo", "unknown_timezones": ["Mars/Olympus"]}


@pytest.mark.parametrize(
    ("amount", "holidays", "until"),
    [
        (3, [], "2026-03-05T10:00+01:00"),
        (5, [], "2026-03-09T10:00+01:00"),
        (1, ["2026-03-03"], "2026-03-05T10:00+01:00"),
        (0, [], "2026-03-02T10:00+01:00"),
    ],
)
def test_working_days(amount: int, holidays: list[str], until: str) -> None:
    config = {"amount": amount, "unit": "working_days", "holidays": holidays}
    known = {"contact": BERLIN, "workspace": {"holidays": ["2026-03-04"] if holidays else []}}
    assert visit(Wait, config, **known) == at(until)


def test_working_days_are_whole() -> None:
    step = Wait()
    assert dict(step.check(read_config(step, {"amount": 1.5, "unit": "working_days"}))).keys() == {"amount"}
