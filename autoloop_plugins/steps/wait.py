"""Wait: hold the contact for some time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoloop.plugins import DecisionStep, Next, Outcome, StepContext, WaitUntil
from autoloop_plugins.steps.durations import Duration, length, words


class Wait(DecisionStep):
    """Hold the contact for some time.

    The time counts from the moment the contact reaches this step.
    """

    name, title, category, icon = "wait", "Wait", "timing", "clock"
    suspends = True

    class Config(Duration):
        """How long."""

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        return Next() if ctx.resumed else WaitUntil(ctx.now + length(config))

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"Wait {words(config)}"


__all__ = ["Wait"]
