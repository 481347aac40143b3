"""Wait until: hold the contact until a local time, a weekday, a date of its own, a moment or a window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import available_timezones

import colander

from autoloop.plugins import (
    DecisionStep,
    ExpressionError,
    ExpressionType,
    Fail,
    Needs,
    Next,
    Outcome,
    StepContext,
    WaitUntil,
    needs_of,
)
from autoloop.plugins.calendars import Calendar, moment_of
from autoloop.plugins.expressions import convert
from autoloop_plugins.steps.local_time import Clock, Dates, Weekdays, local_calendar, place_needs, told

__all__ = ["WaitUntilStep"]

MODES = {
    "time": "A time of day",
    "weekday": "A weekday",
    "date": "A date of the contact",
    "moment": "A fixed moment",
    "window": "Hours of the day",
}
PLACES = {"contact": "The contact", "business": "Its business", "workspace": "The workspace"}


def _place(node: colander.SchemaNode, value: str) -> None:
    if value not in PLACES and value not in available_timezones():
        raise colander.Invalid(node, "must be contact, business, workspace or a time zone")


class WaitUntilStep(DecisionStep):
    """Hold the contact until a moment of its own day.

    - `time`: the next time clocks show the hour, on one of the weekdays if some are named;
    - `weekday`: the same, weekdays must be named;
    - `date`: a date field of the contact, so many days before (below 0) or after it, at the hour; with
      `every_year`, its next anniversary (29 February counts as the 28th where there is none). A date that
      is moved on while the contact waits is followed, and one that falls on a day that is not allowed
      moves to the next that is;
    - `moment`: a fixed date and time, or an expression; without a zone it is local time;
    - `window`: the first moment inside the hours from `at` until `until` of an allowed day; a window over
      midnight, like 22:00 to 06:00, is that of the day on which it begins.

    `date` and `moment` leave through `missing` if there is no such date, and through `passed` if it lay in
    the past when the contact came. Local is the contact's time zone, else its business's, else the
    workspace's; a zone that does not exist is passed over and noted. An hour that a night skips is the
    first moment after the gap, one that a night repeats the first of both.
    """

    name, title, category, icon = "wait_until", "Wait until", "timing", "calendar-clock"
    suspends = True

    class Config(colander.MappingSchema):  # type: ignore[misc]
        mode = colander.SchemaNode(
            colander.String(),
            validator=colander.OneOf(list(MODES)),
            title="Until",
            ui={"labels": MODES},
        )
        at = colander.SchemaNode(
            Clock(),
            missing=time(9),
            title="Time of day, or the window's beginning",
            ui={"widget": "clock"},
        )
        until = colander.SchemaNode(
            Clock(),
            missing=time(17),
            title="The window's end",
            ui={"widget": "clock", "when": {"mode": "window"}},
        )
        days = Weekdays(
            missing=(),
            validator=colander.Length(max=7),
            title="On these weekdays",
            ui={"widget": "weekdays"},
        )
        working_days_only = colander.SchemaNode(
            colander.Boolean(), missing=False, title="Only on working days, never on holidays"
        )
        holidays = Dates(
            missing=(), validator=colander.Length(max=100), title="More holidays", ui={"more": True}
        )
        field = colander.SchemaNode(
            colander.String(),
            validator=colander.Regex(r"^(fields\.)?[a-z][a-z0-9_]{0,62}\Z", msg="must be a field"),
            missing=None,
            title="Date field of the contact",
            ui={
                "widget": "contact_field",
                "kinds": ["date", "text"],
                "own": ["created_at"],
                "when": {"mode": "date"},
            },
        )
        offset = colander.SchemaNode(
            colander.Integer(),
            validator=colander.Range(-3650, 3650),
            missing=0,
            title="Days after it",
            description="Below 0: before it",
            ui={"unit": "days", "when": {"mode": "date"}},
        )
        every_year = colander.SchemaNode(
            colander.Boolean(), missing=False, title="Every year", ui={"when": {"mode": "date"}}
        )
        moment = colander.SchemaNode(
            ExpressionType("text"),
            missing=None,
            title="Date and time",
            description="Like 2026-12-24T09:00, or an expression",
            ui={"when": {"mode": "moment"}},
        )
        timezone = colander.SchemaNode(
            colander.String(),
            validator=_place,
            missing="contact",
            title="Time zone of",
            ui={"widget": "timezone", "places": PLACES},
        )

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("next", "missing", "passed") if config["mode"] in ("date", "moment") else ("next",)

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return place_needs() | needs_of(config["moment"])

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        mode = config["mode"]
        if config["at"] is None:
            yield "at", "A day ends at 24:00; say 00:00 for its beginning."
        elif mode == "window" and config["until"] == config["at"]:
            yield "until", "The window must end at another hour than it begins."
        if mode == "weekday" and not config["days"]:
            yield "days", "Name at least one weekday."
        if mode == "date" and not config["field"]:
            yield "field", "Name the field that holds the date."
        if mode == "moment":
            if config["moment"] in (None, ""):
                yield "moment", "Say until when."
            elif isinstance(config["moment"], str) and _read(config["moment"]) is None:
                yield "moment", "It is a date and time like 2026-12-24T09:00, or an expression."

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        calendar, unknown = local_calendar(ctx, config["timezone"], config["holidays"])
        why = told(calendar, unknown)
        if config["mode"] in ("date", "moment"):
            return _own_date(ctx, config, calendar, why)
        if config["mode"] == "window":
            at = calendar.next_in_window(ctx.now, config["at"], config["until"], _days(calendar, config))
            if ctx.resumed and at == ctx.now:
                return Next(why=why)
        elif ctx.resumed:
            return Next(why=why)
        else:
            at = calendar.next_time(ctx.now, config["at"], _days(calendar, config))
        return WaitUntil(at) if at else Fail("there is no such day within ten years")

    def summary(self, config: Mapping[str, Any]) -> str:
        mode, at, end = config["mode"], _shown(config["at"]), _shown(config["until"])
        if mode == "date":
            return f"Wait until {config['field']} {config['offset']:+d} d, {at}"
        if mode == "moment":
            return f"Wait until {str(config['moment'])[:40]}"
        if mode == "window":
            return f"Wait until between {at} and {end}"
        return f"Wait until {at}"


def _shown(at: time | None) -> str:
    return at.strftime("%H:%M") if at else "24:00"


def _days(calendar: Calendar, config: Mapping[str, Any]) -> Any:
    days, only = frozenset(config["days"]) or frozenset(range(1, 8)), config["working_days_only"]
    return lambda day: day.isoweekday() in days and (not only or calendar.works(day))


def _own_date(ctx: StepContext, config: Mapping[str, Any], calendar: Calendar, why: Any) -> Outcome:
    """Judged again when the wait is over, for the date may have been moved meanwhile."""
    since = ctx.since or ctx.now
    try:
        at = (
            _moment(ctx, config, calendar) if config["mode"] == "moment" else _of_field(ctx, config, calendar)
        )
    except OverflowError:
        at = None
    if at is not None and at > ctx.now:
        return WaitUntil(at)
    if ctx.resumed is None:
        return WaitUntil(ctx.now)  # leaves by its port in the next turn, so that a loop never spins in one
    return Next("missing" if at is None else "passed" if at < since else "next", why=why)


def _moment(ctx: StepContext, config: Mapping[str, Any], calendar: Calendar) -> datetime | None:
    found = _read(ctx.evaluate(config["moment"], "text"))
    if isinstance(found, datetime):
        return found if found.tzinfo else moment_of(found.date(), found.time(), calendar.zone)
    return moment_of(found, config["at"], calendar.zone) if found else None


def _of_field(ctx: StepContext, config: Mapping[str, Any], calendar: Calendar) -> datetime | None:
    root, _, key = config["field"].partition(".")
    value = (ctx.contact.get("fields") or {}).get(key) if key else ctx.contact.get(root)
    moment = _read(value) if isinstance(value, str) else None
    if isinstance(moment, datetime) and moment.tzinfo:
        value = moment.astimezone(calendar.zone)  # whose day it is there
    try:
        day = convert(value, "date")
    except ExpressionError:
        return None
    if not config["every_year"]:
        return _on(day, config, calendar)
    since = ctx.since or ctx.now
    year = since.astimezone(calendar.zone).year - 11
    found = (_on(_in_year(day, each), config, calendar) for each in range(year, year + 23))
    return next((at for at in found if at >= since), None)


def _on(day: date, config: Mapping[str, Any], calendar: Calendar) -> datetime:
    day += timedelta(days=config["offset"])
    fits = _days(calendar, config)
    for _ in range(3_660):
        if fits(day):
            break
        day += timedelta(days=1)
    return moment_of(day, config["at"], calendar.zone)


def _in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def _read(text: str) -> datetime | date | None:
    text = text.strip()
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        return None
