"""Emit event: say that something happened to the contact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import colander

from autoloop.plugins import (
    DecisionStep,
    ExpressionType,
    Fail,
    Needs,
    Next,
    Outcome,
    StepContext,
    effects,
    needs_of,
)

__all__ = ["EmitEvent"]

RESERVED = frozenset({"contact", "tag", "segment", "email", "workflow", "form"})
LARGEST = 32_768


class Datum(colander.MappingSchema):  # type: ignore[misc]
    name = colander.SchemaNode(
        colander.String(),
        validator=colander.Regex(r"^[a-z][a-z0-9_]{0,62}\Z", msg="must be lower-case letters, digits or _"),
        title="Name",
    )
    value = colander.SchemaNode(ExpressionType(), missing=None, title="Value")


class Data(colander.SequenceSchema):  # type: ignore[misc]
    datum = Datum()


class EmitEvent(DecisionStep):
    """Say that something happened to the contact: it starts runs and wakes those that wait for it.

    The names of AutoLoop's own events (`contact.`, `tag.`, `segment.`, `email.`, `workflow.`, `form.`)
    are kept for it. Workflows that start each other, or themselves, come to an end: after 16 runs in a row,
    each started by what the one before did within the hour, the next start is refused.
    """

    name, title, category, icon = "emit_event", "Emit event", "data", "bolt"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        event = colander.SchemaNode(
            colander.String(),
            validator=colander.All(colander.Length(1, 100), colander.Regex(r"^[a-z0-9_]+(\.[a-z0-9_]+)*\Z")),
            title="Event",
            ui={"widget": "event"},
        )
        data = Data(missing=(), validator=colander.Length(max=50), title="Data", ui={"widget": "columns"})

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return needs_of([each["value"] for each in config["data"]])

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        if config["event"].partition(".")[0] in RESERVED:
            yield "event", "This name is kept for AutoLoop's own events; begin with another word."
        given = [each["name"] for each in config["data"]]
        if len(set(given)) < len(given):
            yield "data", "Two of them have the same name."

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        data = {each["name"]: ctx.evaluate(each["value"]) for each in config["data"]}
        if len(str(data)) > LARGEST:
            return Fail("the data of the event is larger than 32 kB")
        return Next(effects=(effects.Emit(config["event"], data),))

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"Emit {config['event']}"
