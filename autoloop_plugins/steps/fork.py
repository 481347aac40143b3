"""Fork: several branches at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import colander

from autoloop.plugins import DecisionStep, Fork, Outcome, StepContext
from autoloop_plugins.steps.ports import PORT, port_problems

__all__ = ["ForkStep"]


class ForkStep(DecisionStep):
    """Go on by several named branches at the same time.

    Each branch walks on its own, at its own pace; the run is over when all have ended. A merge brings
    them together again. A branch to which nothing is tied is left out. Variables, outputs and the
    contact are the run's: what one branch changes, the others see. A run stands in at most 100 places
    at once; a fork beyond that fails the run.
    """

    name, title, category, icon = "fork", "Fork", "logic", "fork"
    forks = True

    class Config(colander.MappingSchema):  # type: ignore[misc]
        branches = colander.SchemaNode(
            colander.Sequence(),
            colander.SchemaNode(colander.String(), validator=PORT, name="branch"),
            validator=colander.Length(2, 20),
            missing=("a", "b"),
            title="Branches",
        )

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(config["branches"])

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        return port_problems("branches", list(config["branches"]))

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        return Fork(tuple(config["branches"]))

    def summary(self, config: Mapping[str, Any]) -> str:
        return "Fork: " + ", ".join(config["branches"])
