"""Wait for an event: hold the contact until something happens, or for some time at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import colander

from autoloop.plugins import (
    DecisionStep,
    ExpressionType,
    Needs,
    Next,
    Outcome,
    StepContext,
    WaitFor,
    needs_of,
)
from autoloop_plugins.steps.durations import Duration, length, words
from autoloop_plugins.steps.verbatim import verbatim

__all__ = ["WaitForEvent"]


class WaitForEvent(DecisionStep):
    """Hold the contact until an event happens, or for some time at most.

    Leaves through `next` when the event came, through `timeout` when it did not. What its data must contain
    may hold expressions, such as `{"order": "{{ event.data.order }}"}`: another order does not count. An event that came
    after the last email of this run counts, even if it was faster than the run; but one that has ended a
    wait does not end another of the same branch. For events of emails (`email.replied`, `email.opened` …)
    only this run's emails count, unless you say otherwise. The end of a run, `workflow.finished`, is told
    while a run of the contact waits for it or a trigger of the workspace listens.
    """

    name, title, category, icon = "wait_for_event", "Wait for an event", "timing", "bell"
    suspends = True
    config_version = 2
    gives = ("event", "data")

    class Config(colander.MappingSchema):  # type: ignore[misc]
        event = colander.SchemaNode(
            colander.String(),
            validator=colander.All(colander.Length(1, 100), colander.Regex(r"^[a-z0-9_]+(\.[a-z0-9_]+)*\Z")),
            title="Event",
            ui={"widget": "event"},
        )
        match = colander.SchemaNode(
            ExpressionType(),
            missing=None,
            title="Its data contains",
            description='Like {"order": "{{ event.data.order }}"}',
            ui={"rows": 3},
        )
        timeout = Duration(title="At most", missing=None)
        of = colander.SchemaNode(
            colander.String(),
            validator=colander.OneOf(["run", "contact"]),
            missing="run",
            title="Emails of",
            ui={"labels": {"run": "this run only", "contact": "any run, to the contact"}, "more": True},
        )

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("next", "timeout") if config["timeout"] else ("next",)

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return needs_of(config["match"])

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        if config["match"] is not None and not isinstance(config["match"], Mapping):
            yield "match", "must be an object of names and values"

    def upgrade(self, config: dict[str, Any], version: int) -> dict[str, Any]:
        """Version 1 had no expressions."""
        return {**config, "match": verbatim(config["match"])} if config.get("match") else config

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        if ctx.resumed is None:
            until = ctx.now + length(config["timeout"]) if config["timeout"] else None
            match = dict(ctx.evaluate(config["match"] or {}))
            if config["event"].startswith("email.") and config["of"] == "run":
                match["run_id"] = ctx.run_id
            return WaitFor(config["event"], match, until)
        if ctx.resumed.timed_out and config["timeout"]:
            return Next("timeout", why=f"no {config['event']} in time")
        return Next(output={"event": ctx.resumed.name, "data": dict(ctx.resumed.data)})

    def summary(self, config: Mapping[str, Any]) -> str:
        most = f", at most {words(config['timeout'])}" if config["timeout"] else ""
        return f"Wait for {config['event']}{most}"
