"""Sub-workflow: let the contact go through another workflow, and come back or not."""

from __future__ import annotations

from collections.abc import Mapping
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
    StartRun,
    StepContext,
    needs_of,
)

__all__ = ["SubWorkflow"]


class SubWorkflow(DecisionStep):
    """Start another live workflow for the same contact; wait until that run has ended, or go on at once.

    Leaves by `skipped` if the other workflow is not live, or its rule on re-entry does not let the
    contact in now. Otherwise, when waiting: by `next` when the other run has completed or stopped, by
    `failed` when it failed or was cancelled (by a person, or because its workflow was archived). The
    output holds that run's `status`, `reason`, `outputs` and `variables`, cut to size. A run that is
    paused or stands still is waited for until it ends.

    What is handed over is there as the event's data of the new run (`event.data`). Workflows that start each other
    can be ten deep; the eleventh is an error. A run starts at most 1000 others.
    Cancelling this run leaves the other one alone, unless they are to end together.

    A test run walks the other workflow's live version as a test too, whatever its rule on re-entry says,
    with somebody invented as with a contact; a workflow that is not live is left by `skipped`.
    """

    name, title, category, icon = "sub_workflow", "Another workflow", "logic", "workflow"
    suspends = True
    gives = ("status", "outputs", "variables")

    class Config(colander.MappingSchema):  # type: ignore[misc]
        workflow_id = colander.SchemaNode(
            colander.String(), validator=colander.uuid, title="Workflow", ui={"widget": "workflow"}
        )
        wait = colander.SchemaNode(colander.Boolean(), missing=True, title="Wait until it has ended")
        data = colander.SchemaNode(ExpressionType(), missing=None, title="Hand over")
        end_together = colander.SchemaNode(
            colander.Boolean(), missing=False, title="End it when this run ends"
        )

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("next", "failed", "skipped")

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return needs_of(config["data"])

    def check(self, config: Mapping[str, Any]) -> Any:
        if config["data"] is not None and not isinstance(config["data"], Mapping):
            yield "data", "must be an object of names and values"

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        if ctx.resumed is not None:
            data = dict(ctx.resumed.data)
            port = ctx.resumed.port if ctx.resumed.port in self.ports(config) else "failed"
            return Next(port, output=data, why=data.get("why") or data.get("reason"))
        try:
            data = ctx.evaluate(config["data"] or {})
        except ExpressionError as error:
            return Fail(str(error))
        return StartRun(config["workflow_id"], config["wait"], data, config["end_together"])
