"""Stop: end the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import DecisionStep, Outcome, StepContext, outcomes

__all__ = ["Stop"]


class Stop(DecisionStep):
    """End the whole run here, with a reason that the run shows. Mails still queued are not sent."""

    name, title, category, icon = "stop", "Stop", "logic", "stop"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        reason = colander.SchemaNode(
            colander.String(), validator=colander.Length(0, 200), missing="", title="Reason"
        )

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ()

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        return outcomes.Stop(config["reason"])

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"Stop: {config['reason']}" if config["reason"] else "Stop"
