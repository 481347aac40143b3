"""A/B split: spread contacts over arms by weight, each always into the same arm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import colander

from autoloop.plugins import DecisionStep, Next, Outcome, StepContext

__all__ = ["ABSplit"]

ARM = colander.Regex(r"^[a-z0-9_]{1,30}\Z", msg="must be lower-case letters, digits or _")


class Arm(colander.MappingSchema):  # type: ignore[misc]
    name = colander.SchemaNode(colander.String(), validator=ARM, title="Name")
    weight = colander.SchemaNode(
        colander.Float(), validator=colander.Range(0, 1_000_000), missing=1.0, title="Weight"
    )


class Arms(colander.SequenceSchema):  # type: ignore[misc]
    arm = Arm()


class ABSplit(DecisionStep):
    """Spread contacts over two or more arms by weight.

    The same contact always takes the same arm at the same step, however often it comes by.
    """

    name, title, category, icon = "ab_split", "A/B split", "logic", "shuffle"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        arms = Arms(
            validator=colander.Length(2, 20),
            missing=({"name": "a", "weight": 1.0}, {"name": "b", "weight": 1.0}),
            title="Arms",
        )

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(arm["name"] for arm in config["arms"])

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        names = self.ports(config)
        if len(set(names)) < len(names):
            yield "arms", "Two arms have the same name."
        if "error" in names:
            yield "arms", "No arm may be named error."
        if not any(arm["weight"] > 0 for arm in config["arms"]):
            yield "arms", "At least one arm needs a weight above 0."

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        arm = config["arms"][ctx.choose([each["weight"] for each in config["arms"]])]["name"]
        return Next(arm, output=arm)

    def summary(self, config: Mapping[str, Any]) -> str:
        return "Split " + " / ".join(f"{arm['name']} {arm['weight']:g}" for arm in config["arms"])
