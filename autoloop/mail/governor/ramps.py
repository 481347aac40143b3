"""Warm-up: a sender's cap that grows day by day until it reaches its target."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import colander

from autoloop.base.i18n import _

__all__ = ["Ramp", "allowed_on", "cap_sql", "day_sql", "days_until_over"]

MOST = 10_000_000


def day_sql(sender: str) -> str:
    """SQL for today's date in a sender's zone; `sender` is the table's name in the statement."""
    return f"(clock_timestamp() at time zone {sender}.timezone)::date"


def cap_sql(sender: str) -> str:
    """SQL for how many mails a sender may send today: the lower of its daily cap and its ramp; null is no limit.

    On day n (0 is `since`) a ramp allows start * factor^n or start + step * n. From the day it reaches
    `target` on it limits nothing more.
    """
    ramp = f"{sender}.ramp"
    day = f"greatest({day_sql(sender)} - ({ramp} ->> 'since')::date, 0)"
    start, target = f"({ramp} ->> 'start')::float", f"({ramp} ->> 'target')::float"
    # exp() of a bounded exponent: e^50 is over every target, and far from an overflow.
    grown = f"""case when {ramp} ? 'factor'
      then {start} * exp(least({day} * ln(({ramp} ->> 'factor')::float), 50))
      else {start} + {day} * ({ramp} ->> 'step')::float end"""
    return f"""least({sender}.daily_cap, case when {ramp} is null then null
      when {grown} >= {target} then null else floor({grown} + 1e-6)::int end)"""


def allowed_on(ramp: Mapping[str, Any], day: int) -> int | None:
    """What `cap_sql` says of the ramp alone on its day `day` (0 is the first); None: it limits nothing."""
    start, target = float(ramp["start"]), float(ramp["target"])
    if "factor" in ramp:
        grown = start * math.exp(min(day * math.log(float(ramp["factor"])), 50))
    else:
        grown = start + day * float(ramp["step"])
    return None if grown >= target else math.floor(grown + 1e-6)


def days_until_over(ramp: Mapping[str, Any]) -> int:
    """The first day (0 is the first of all) on which the ramp limits nothing any more."""
    start, target = float(ramp["start"]), float(ramp["target"])
    if "factor" in ramp:
        days = math.log(target / start) / math.log(float(ramp["factor"]))
    else:
        days = (target - start) / float(ramp["step"])
    near = max(math.floor(days) - 1, 0)
    return next(day for day in range(near, near + 4) if allowed_on(ramp, day) is None)


class Ramp(colander.MappingSchema):  # type: ignore[misc]
    """How a new sender warms up: mails of the first day, growth from day to day, and where it ends."""

    start = colander.SchemaNode(
        colander.Integer(), title=_("Mails of the first day"), validator=colander.Range(1, MOST)
    )
    factor = colander.SchemaNode(colander.Float(), title=_("Times as many each day"), missing=colander.drop)
    step = colander.SchemaNode(
        colander.Integer(),
        title=_("More each day"),
        validator=colander.Range(1, MOST),
        missing=colander.drop,
    )
    target = colander.SchemaNode(
        colander.Integer(), title=_("Ends at so many a day"), validator=colander.Range(1, MOST)
    )

    @staticmethod
    def schema_type() -> colander.Mapping:
        return colander.Mapping(unknown="raise")

    def validator(self, node: colander.SchemaNode, value: Mapping[str, Any]) -> None:
        wrong = colander.Invalid(node)
        factor = value.get("factor")
        if ("factor" in value) == ("step" in value):
            wrong["factor"] = _("Give either a factor or a step.")
        elif factor is not None and not (math.isfinite(factor) and 1.01 <= factor <= 10):
            wrong["factor"] = _("A factor lies between 1.01 and 10.")
        if value["target"] <= value["start"]:
            wrong["target"] = _("The target is more than the first day's mails.")
        if wrong.children:
            raise wrong
