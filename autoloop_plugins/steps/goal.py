"""Goal: what the workflow is for. Reached from afar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import colander

from autoloop.plugins import (
    ConditionType,
    FreeMapping,
    GoalStep,
    Needs,
    Next,
    Outcome,
    StepContext,
    WaitUntil,
)
from autoloop_plugins.steps.durations import Duration, length

__all__ = ["Goal"]

CHANGES = ("contact.updated", "tag.added", "tag.removed")


class Goal(GoalStep):
    """Jump here as soon as an event happens or a condition holds, wherever the run stands.

    From the start of the run on this step listens. When the goal is reached, all branches that have not
    passed it leave where they are, go here as one, and leave by `next`; tie nothing to it to end them.
    What has not passed it is all that leads to it; for a goal to which nothing leads, all but what comes
    after it. A goal is reached once per run. An email already asked for is still sent.

    A condition is asked whenever the run is advanced, and when the contact's fields or tags change or
    one of the events it asks about happens. Of emails' events only this run's count. What a change of
    the business makes true, or time alone, is seen when the run is next advanced; to jump at once, make it
    a segment, and let the goal listen to `segment.entered` with the segment's `segment_id`.

    A contact that gets here by the usual way before the goal is reached leaves by `unmet`, at once or
    after it has waited here for a time.
    """

    name, title, category, icon = "goal", "Goal", "logic", "flag"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        event = colander.SchemaNode(
            colander.String(),
            validator=colander.All(colander.Length(1, 100), colander.Regex(r"^[a-z0-9_]+(\.[a-z0-9_]+)*\Z")),
            missing=None,
            title="Event",
            ui={"widget": "event"},
        )
        match = colander.SchemaNode(FreeMapping(), missing=None, title="Its data contains")
        condition = colander.SchemaNode(ConditionType(), missing=None, title="Or as soon as")
        wait = Duration(title="Wait here for it", missing=None)

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("next", "unmet")

    def needs(self, config: Mapping[str, Any]) -> Needs:
        needed: Needs = Needs() if config["condition"] is None else config["condition"].needs
        return needed

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        if config["event"] is None and config["condition"] is None:
            yield "event", "A goal needs an event or a condition."

    def listens(self, config: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any], bool]]:
        if config["event"] is not None:
            own = {"run_id": ""} if config["event"].startswith("email.") else {}
            yield config["event"], {**(config["match"] or {}), **own}, True
        needed = self.needs(config)
        names = sorted(needed.events) + (list(CHANGES) if needed.contact else [])
        for name in names:
            yield name, {}, False

    def reached(self, ctx: StepContext, config: Mapping[str, Any]) -> tuple[bool, Any]:
        if config["condition"] is None:
            return False, None
        found: tuple[bool, Any] = config["condition"].explain(ctx)
        return found

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        if ctx.resumed is not None and ctx.resumed.kind == "goal":
            return Next(why=dict(ctx.resumed.data))
        holds, why = self.reached(ctx, config)
        if holds:
            return Next(why=why)
        if config["wait"] and ctx.resumed is None:
            return WaitUntil(ctx.now + length(config["wait"]))
        return Next("unmet", why=why or "not reached by now")

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"Goal: {config['event'] or 'condition'}"
