"""Merge: branches become one again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import DecisionStep, Join, Next, Outcome, StepContext
from autoloop_plugins.steps.durations import Duration, length, words

__all__ = ["Merge"]


class Merge(DecisionStep):
    """Bring the branches of a fork together: from here on the run goes on as one.

    `all` waits for every other branch of this run that can still get here by the ways of the graph. A
    branch that has ended (stopped at a filter, nothing tied to its port, failed into another way that
    does not lead here) is not waited for, so a merge never waits for ever; a branch that waits long is,
    unless a time is set: when that has passed since the first branch came, the run goes on through
    `timeout`. `any` goes on with the first branch that comes.

    Once the run has gone on, branches that were still under way to this merge end when they come; the
    journal says so. In a loop each pass is its own: only branches left over from an earlier pass end.
    Two merges that wait for each other go on in the order in which they were come to.
    """

    name, title, category, icon = "merge", "Merge", "logic", "merge"
    joins = True

    class Config(colander.MappingSchema):  # type: ignore[misc]
        mode = colander.SchemaNode(
            colander.String(),
            validator=colander.OneOf(["all", "any"]),
            missing="all",
            title="Wait for",
            ui={"labels": {"all": "all branches", "any": "the first branch"}},
        )
        timeout = Duration(title="At most", missing=None, ui={"widget": "duration", "when": {"mode": "all"}})

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("next", "timeout") if config["timeout"] and config["mode"] == "all" else ("next",)

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        if ctx.resumed is None:
            waits = config["timeout"] and config["mode"] == "all"
            return Join(config["mode"], ctx.now + length(config["timeout"]) if waits else None)
        if ctx.resumed.timed_out and "timeout" in self.ports(config):
            return Next("timeout", why="not all branches came in time")
        return Next(why=dict(ctx.resumed.data) or None)

    def summary(self, config: Mapping[str, Any]) -> str:
        most = f", at most {words(config['timeout'])}" if "timeout" in self.ports(config) else ""
        return f"Merge {config['mode']}{most}"
