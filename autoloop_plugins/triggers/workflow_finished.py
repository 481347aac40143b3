"""Workflow finished: a run when a contact's run of another workflow ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import Trigger, TriggerEvent

__all__ = ["WorkflowFinished"]

STATUSES = ("completed", "stopped", "failed", "cancelled")


class WorkflowFinished(Trigger):
    """Starts when a run of the chosen workflow ends in one of the chosen ways.

    `completed` came to an end of the graph, `stopped` left by a step or an exit rule.
    """

    name, title, category, icon = "workflow_finished", "Workflow finished", "event", "flag"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        workflow_id = colander.SchemaNode(
            colander.String(), validator=colander.uuid, title="Workflow", ui={"widget": "workflow"}
        )

        @colander.instantiate(
            missing=("completed",), title="Ended as", validator=colander.Length(min=1, max=4)
        )
        class statuses(colander.SequenceSchema):  # type: ignore[misc] # noqa: N801 - it is the field's name
            status = colander.SchemaNode(
                colander.String(), validator=colander.OneOf(STATUSES), title="Status"
            )

    def event_name(self, config: Mapping[str, Any]) -> str:
        return "workflow.finished"

    def accepts(self, event: TriggerEvent, config: Mapping[str, Any]) -> bool:
        data = event.data
        return (
            data.get("workflow_id") == config["workflow_id"].lower()
            and data.get("status") in config["statuses"]
        )

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"When another workflow is {' or '.join(config['statuses'])}"
