"""Update contact: set fields of the contact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import colander

from autoloop.plugins import DecisionStep, Needs, Next, Outcome, StepContext, effects
from autoloop_plugins.steps.assignments import assignments, names, needs_for, problems_of, worked_out

__all__ = ["UpdateContact"]

OWN = {
    "first_name": 200,
    "last_name": 200,
    "title": 200,
    "phone": 60,
    "locale": 20,
    "timezone": 60,
    "status": 20,
}
STATUSES = ("active", "unsubscribed", "bounced", "complained", "archived")


class UpdateContact(DecisionStep):
    """Set fields of the contact to fixed values or expressions. An empty value clears the field.

    All are worked out before the first is set. A value that does not fit its field, such as a text where
    a number is kept, sets nothing and leaves through `error`. Email and external id are identities and
    cannot be set.
    """

    name, title, category, icon = "update_contact", "Update contact", "data", "edit"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        set = assignments("contact", OWN)

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return needs_for(config["set"])

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        return problems_of(config["set"], OWN, STATUSES)

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        values = worked_out(ctx, config["set"], "contact", OWN, STATUSES)
        return Next(effects=(effects.UpdateContact(values),))

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"Set {names(config['set'])}"
