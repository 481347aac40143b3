"""Branch: one way if a condition holds, another if not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import ConditionType, DecisionStep, Needs, Next, Outcome, StepContext

__all__ = ["Branch"]


class Branch(DecisionStep):
    """Go by `yes` if a condition holds of the contact, by `no` if it does not.

    The condition may ask about the contact, its business, its tags, what it did with the emails, other
    events, and what earlier steps gave.
    """

    name, title, category, icon = "branch", "Branch", "logic", "split"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        condition = colander.SchemaNode(ConditionType(), title="If")

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("yes", "no")

    def needs(self, config: Mapping[str, Any]) -> Needs:
        needed: Needs = config["condition"].needs
        return needed

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        holds, why = config["condition"].explain(ctx)
        return Next("yes" if holds else "no", why=why)
