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
DEEPEST = 20
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
    are kept for it. An event carries how many others led to it, in `chain`: a run that an event started
    hands the number on, one higher, and at 20 the step fails. So workflows that start each other, or
    themselves, come to an end.
    """

    name, title, category, icon = "emit_event", "Emit event", "data", "bolt"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        event = colander.SchemaNode(
            colander.String(),
            validator=colander.All(colander.Length(1, 100), colander.Regex(r"^[a-z0-9_]+(\.[a-z0-9_]+)*\Z")),
            title="Event",
            ui={"widget": "event"},
        )
        data = Data(missing=(), validator=colander.Length(max=50), title="Data")

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return needs_of([each["value"] for each in config["data"]])

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        if config["event"].partition(".")[0] in RESERVED:
            yield "event", "This name is kept for AutoLoop's own events; begin with another word."
        given = [each["name"] for each in config["data"]]
        if len(set(given)) < len(given):
            yield "data", "Two of them have the same name."
        if "chain" in given:
            yield "data", "The name “chain” is kept for the length of the chain."

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        chain = (ctx.event.get("data") or {}).get("chain")
        chain = chain + 1 if isinstance(chain, int) and not isinstance(chain, bool) and chain >= 0 else 1
        if chain > DEEPEST:
            return Fail(f"{DEEPEST} events have led to one another; this would go on without end")
        data = {each["name"]: ctx.evaluate(each["value"]) for each in config["data"]}
        if len(str(data)) > LARGEST:
            return Fail("the data of the event is larger than 32 kB")
        return Next(effects=(effects.Emit(config["event"], {**data, "chain": chain}),))

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"Emit {config['event']}"
