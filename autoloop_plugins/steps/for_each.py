"""For each: the same steps for each item of a list, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import (
    DecisionStep,
    ExpressionError,
    ExpressionType,
    Fail,
    Loop,
    Needs,
    Outcome,
    StepContext,
    needs_of,
)

__all__ = ["ForEach"]


class ForEach(DecisionStep):
    """Walk the steps behind `item` once for each item of a list, one after the other, then leave by `done`.

    Inside, `variables.item` is the item and `variables.index` its place, counted from 0. Lead the last
    step of the loop back here; a branch that ends anywhere inside comes back by itself. Where the inside
    forks, the next item begins when all branches of this one have ended or come back. The list is read
    once, at the beginning. Loops may lie inside each other. At most as many items are taken as set here,
    1000 in any case; the journal says how many were left out. A list may have at most 256 kB.
    """

    name, title, category, icon = "for_each", "For each", "logic", "repeat"
    loops = True
    gives = ("count",)

    class Config(colander.MappingSchema):  # type: ignore[misc]
        items = colander.SchemaNode(
            ExpressionType("list"),
            title="List",
            description="A list, or an expression that gives one, such as {{ outputs.orders.body.lines }}",
        )
        most = colander.SchemaNode(
            colander.Int(), validator=colander.Range(1, 1000), missing=100, title="At most"
        )

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("item", "done")

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return needs_of(config["items"])

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        try:
            items = ctx.evaluate(config["items"], "list")
        except ExpressionError as error:
            return Fail(str(error))
        left_out = len(items) - config["most"]
        return Loop(items[: config["most"]], {"left_out": left_out} if left_out > 0 else None)
