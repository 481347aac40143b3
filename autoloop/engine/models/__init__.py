"""The engine's tables and their state machines."""

from autoloop.engine.models.bulk import BULK_VERBS, BulkJob
from autoloop.engine.models.entrances import EnrolmentRow, Form, HookToken, IncomingHook, Schedule
from autoloop.engine.models.events import EventKey, EventRow
from autoloop.engine.models.partitions import PartitionTurn
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
    "BULK_VERBS",
    "ENDED",
    "RUN_MOVES",
    "RUN_STATUSES",
    "WAIT_KINDS",
    "WORKFLOW_MOVES",
    "WORKFLOW_STATUSES",
    "BulkJob",
    "EnrolmentRow",
    "EventKey",
    "EventRow",
    "Form",
    "HookToken",
    "IncomingHook",
    "PartitionTurn",
    "RunAction",
    "RunBatch",
    "RunStep",
    "RunStimulus",
    "RunWait",
    "Schedule",
    "Workflow",
    "WorkflowRun",
    "WorkflowTrigger",
    "WorkflowVersion",
]
