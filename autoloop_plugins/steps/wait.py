"""Wait: hold the contact for some time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import colander

from autoloop.plugins import DecisionStep, Fail, Needs, Next, Outcome, StepContext, WaitUntil
from autoloop_plugins.steps.durations import UNITS, Duration, length, words
from autoloop_plugins.steps.local_time import Dates, local_calendar, place_needs, told

__all__ = ["Wait"]

WORKING = "working_days"
MOST = 1_000


class Wait(DecisionStep):
    """Hold the contact for some time.

    The time counts from the moment the contact reaches this step. With working days, the contact goes on
    at the same local time so many working days later; 0 waits for a working day if today is none. Which
    days count, and the holidays, stand in the workspace's settings; more holidays may be named here. The
    day is the contact's own: its time zone, else its business's, else the workspace's.
    """

    name, title, category, icon = "wait", "Wait", "timing", "clock"
    suspends = True

    class Config(Duration):
        unit = colander.SchemaNode(
            colander.String(), validator=colander.OneOf([*UNITS, WORKING]), missing="days", title="Unit"
        )
        holidays = Dates(
            missing=(),
            title="More holidays",
            validator=colander.Length(max=100),
            ui={"when": {"unit": "working_days"}},
        )

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return place_needs() if config["unit"] == WORKING else Needs()

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        if config["unit"] == WORKING and (not config["amount"].is_integer() or config["amount"] > MOST):
            yield "amount", f"Working days are a whole number of at most {MOST:,}."

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        if config["unit"] != WORKING:
            return Next() if ctx.resumed else WaitUntil(ctx.now + length(config))
        calendar, unknown = local_calendar(ctx, holidays=config["holidays"])
        if ctx.resumed:
            return Next(why=told(calendar, unknown))
        at = calendar.after_working_days(ctx.now, int(config["amount"]))
        return WaitUntil(at) if at else Fail("there is no such working day within twenty years")

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"Wait {words(config)}"
