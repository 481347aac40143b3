"""Update business: set fields of the contact's business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import colander

from autoloop.plugins import DecisionStep, Needs, Next, Outcome, StepContext, effects
from autoloop_plugins.steps.assignments import assignments, names, needs_for, problems_of, worked_out

__all__ = ["UpdateBusiness"]

OWN = {"phone": 60, "website": 400, "city": 200, "country": 100, "timezone": 60, "status": 20}
STATUSES = ("lead", "active", "customer", "inactive", "archived")


class UpdateBusiness(DecisionStep):
    """Set fields of the contact's business to fixed values or expressions. An empty value clears the field.

    A contact without a business goes on, and nothing is set. A value that does not fit its field sets
    nothing and leaves through `error`. Name, domain and external id are identities and cannot be set.
    Where runs of several contacts set the same field of one business, the last one stays.
    """

    name, title, category, icon = "update_business", "Update business", "data", "building-2"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        set = assignments("business", OWN)

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return Needs(business=True) | needs_for(config["set"])

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        return problems_of(config["set"], OWN, STATUSES)

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        if not ctx.business:
            return Next(why="the contact has no business")
        values = worked_out(ctx, config["set"], "business", OWN, STATUSES)
        return Next(effects=(effects.UpdateBusiness(values),))

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"Set {names(config['set'])} of the business"
