"""Switch: one of many ways, the first whose case fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import colander

from autoloop.plugins import (
    ConditionType,
    DecisionStep,
    ExpressionError,
    ExpressionType,
    Fail,
    Needs,
    Next,
    Outcome,
    StepContext,
    needs_of,
)
from autoloop_plugins.steps.ports import PORT, port_problems

__all__ = ["Switch"]


class Case(colander.MappingSchema):  # type: ignore[misc]
    name = colander.SchemaNode(colander.String(), validator=PORT, title="Name")
    condition = colander.SchemaNode(ConditionType(), missing=None, title="If")
    equals = colander.SchemaNode(
        colander.String(allow_empty=True),
        validator=colander.Length(0, 500),
        missing=None,
        title="Or the value is",
    )


class Cases(colander.SequenceSchema):  # type: ignore[misc]
    case = Case()


class Switch(DecisionStep):
    """Go one of many ways: by the first case that fits, from top to bottom, or by `else` if none does.

    Each case is a name, which is its port, and either a condition or, when the step has a value to look
    at, the text that the value must be (upper and lower case count as the same; a number is compared as
    it is written).
    """

    name, title, category, icon = "switch", "Switch", "logic", "split"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        value = colander.SchemaNode(
            ExpressionType(),
            missing=None,
            title="Value to look at",
            description="Such as {{ contact.fields.plan }}; needed by cases without a condition",
        )
        cases = Cases(validator=colander.Length(1, 20), title="Cases")

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return (*(case["name"] for case in config["cases"]), "else")

    def needs(self, config: Mapping[str, Any]) -> Needs:
        needed: Needs = needs_of(config["value"])
        for case in config["cases"]:
            if case["condition"] is not None:
                needed |= case["condition"].needs
        return needed

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        yield from port_problems("cases", [case["name"] for case in config["cases"]], ("else",))
        for index, case in enumerate(config["cases"]):
            if (case["condition"] is None) == (case["equals"] is None):
                yield f"cases.{index}", "A case has either a condition or a text to compare with."
            elif case["equals"] is not None and config["value"] is None:
                yield "value", "Say which value the cases are compared with."

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        try:
            value = "" if config["value"] is None else _text(ctx.evaluate(config["value"]))
        except ExpressionError as error:
            return Fail(str(error))
        asked: list[Any] = []
        for case in config["cases"]:
            if case["condition"] is None:
                fits = value.casefold() == case["equals"].casefold()
                asked.append(
                    {"case": case["name"], "value": case["equals"], "found": value[:200], "answer": fits}
                )
            else:
                fits, trail = case["condition"].explain(ctx)
                asked.append({"case": case["name"], "asked": trail, "answer": fits})
            if fits:
                return Next(case["name"], why=asked)
        return Next("else", why=asked)

    def summary(self, config: Mapping[str, Any]) -> str:
        return "Switch: " + ", ".join(self.ports(config))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).strip()
