"""Filter: only those go on of whom a condition holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import ConditionType, DecisionStep, Needs, Next, Outcome, StepContext

__all__ = ["Filter"]


class Filter(DecisionStep):
    """Let go on by `next` only contacts of whom a condition holds.

    The others leave by `rejected`; if nothing is tied to it, this branch of the run ends here, with the
    reason in the journal. Inside a loop over a list the next item then begins.
    """

    name, title, category, icon = "filter", "Filter", "logic", "filter"
    loose_ports = frozenset({"rejected"})

    class Config(colander.MappingSchema):  # type: ignore[misc]
        condition = colander.SchemaNode(ConditionType(), title="Only if")

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("next", "rejected")

    def needs(self, config: Mapping[str, Any]) -> Needs:
        needed: Needs = config["condition"].needs
        return needed

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        holds, why = config["condition"].explain(ctx)
        return Next("next" if holds else "rejected", why=why)
