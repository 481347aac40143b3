"""Set variables: keep values for the rest of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import colander

from autoloop.plugins import (
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

__all__ = ["SetVariables"]


class Variable(colander.MappingSchema):  # type: ignore[misc]
    name = colander.SchemaNode(
        colander.String(),
        validator=colander.Regex(
            r"^[a-z][a-z0-9_]{0,63}\Z", msg="must be lower-case letters, digits or _, a letter first"
        ),
        title="Name",
    )
    value = colander.SchemaNode(ExpressionType(), missing=None, title="Value")


class Variables(colander.SequenceSchema):  # type: ignore[misc]
    variable = Variable()


class SetVariables(DecisionStep):
    """Keep values under names, for conditions, expressions and emails of the rest of this run.

    A value may be an expression, such as `{{ contact.fields.seats | times: 12 }}`; one that is nothing
    but an expression keeps its type. All are worked out before the first is set. A value above 16 kB is
    kept as a note that it was too large. Inside a loop, `item` and `index` stay those of the loop.
    """

    name, title, category, icon = "set_variables", "Set variables", "data", "braces"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        set = Variables(validator=colander.Length(1, 50), title="Variables", ui={"widget": "columns"})

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return needs_of([each["value"] for each in config["set"]])

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        names = [each["name"] for each in config["set"]]
        if len(set(names)) < len(names):
            yield "set", "Two of them have the same name."

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        try:
            values = {each["name"]: ctx.evaluate(each["value"]) for each in config["set"]}
        except ExpressionError as error:
            return Fail(str(error))
        return Next(variables=values)

    def summary(self, config: Mapping[str, Any]) -> str:
        return "Set " + ", ".join(each["name"] for each in config["set"])
