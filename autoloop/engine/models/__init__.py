"""The engine's tables and their state machines."""

from autoloop.engine.models.events import EventKey, EventRow
from autoloop.engine.models.runs import RunAction, RunBatch, RunStep, RunStimulus, RunWait, WorkflowRun
from autoloop.engine.models.states import (
    ENDED,
    RUN_MOVES,
    RUN_STATUSES,
    WAIT_KINDS,
    WORKFLOW_MOVES,
    WORKFLOW_STATUSES,
)
from autoloop.engine.models.workflows import Workflow, WorkflowTrigger, WorkflowVersion

__all__ = [
    "ENDED",
    "RUN_MOVES",
    "RUN_STATUSES",
    "WAIT_KINDS",
    "WORKFLOW_MOVES",
    "WORKFLOW_STATUSES",
    "EventKey",
    "EventRow",
    "RunAction",
    "RunBatch",
    "RunStep",
    "RunStimulus",
    "RunWait",
    "Workflow",
    "WorkflowRun",
    "WorkflowTrigger",
    "WorkflowVersion",
]
