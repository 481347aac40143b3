"""A/B split: spread contacts over arms by weight, each always into the same arm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import colander

from autoloop.plugins import DecisionStep, Next, Outcome, StepContext
from autoloop_plugins.steps.ports import PORT, port_problems

__all__ = ["ABSplit"]


class Arm(colander.MappingSchema):  # type: ignore[misc]
    name = colander.SchemaNode(colander.String(), validator=PORT, title="Name")
    weight = colander.SchemaNode(
        colander.Float(), validator=colander.Range(0, 1_000_000), missing=1.0, title="Weight"
    )


class Arms(colander.SequenceSchema):  # type: ignore[misc]
    arm = Arm()


class ABSplit(DecisionStep):
    """Spread contacts over two or more arms by weight.

    The same contact always takes the same arm at the same step, however often it comes by. A share of
    the contacts can be held out: they leave by `holdout` (and end there if nothing is tied to it), always
    the same ones, however the arms and their weights change; the rest is spread over the arms.
    """

    name, title, category, icon = "ab_split", "A/B split", "logic", "shuffle"
    loose_ports = frozenset({"holdout"})

    class Config(colander.MappingSchema):  # type: ignore[misc]
        arms = Arms(
            validator=colander.Length(2, 20),
            missing=({"name": "a", "weight": 1.0}, {"name": "b", "weight": 1.0}),
            title="Arms",
            description="A weight of 2 gets twice as many as a weight of 1",
            ui={"widget": "weights"},
        )
        holdout = colander.SchemaNode(
            colander.Float(),
            validator=colander.Range(0, 100),
            missing=0.0,
            title="Held out, in percent",
            ui={"unit": "%"},
        )

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        arms = tuple(arm["name"] for arm in config["arms"])
        return (*arms, "holdout") if config["holdout"] else arms

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        names = [arm["name"] for arm in config["arms"]]
        yield from port_problems("arms", names, ("holdout",) if config["holdout"] else ())
        if not any(arm["weight"] > 0 for arm in config["arms"]):
            yield "arms", "At least one arm needs a weight above 0."

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        held = config["holdout"]
        if held and ctx.choose([held, 100 - held], "holdout") == 0:
            return Next("holdout", output="holdout", why=f"{held:g} % are held out")
        arm = config["arms"][ctx.choose([each["weight"] for each in config["arms"]])]["name"]
        return Next(arm, output=arm)

    def summary(self, config: Mapping[str, Any]) -> str:
        held = f", {config['holdout']:g} % held out" if config["holdout"] else ""
        return "Split " + " / ".join(f"{arm['name']} {arm['weight']:g}" for arm in config["arms"]) + held
