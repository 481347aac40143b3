"""The socket: what an author of plugins imports. Nothing here imports the rest of AutoLoop.

Decision steps are pure and run inside the engine's transaction; action steps do I/O in threads.
Plugins are trusted code: they run with the rights of the process that loads them.
"""

from autoloop.plugins.conditions import Condition, ConditionType, compile_condition
from autoloop.plugins.context import ActionContext, Resumed, StepContext
from autoloop.plugins.effects import AddTag, Effect, Emit, Notify, RemoveTag, UpdateBusiness, UpdateContact
from autoloop.plugins.expressions import ExpressionError, ExpressionType, needs_of
from autoloop.plugins.facts import Happening, Known, Needs
from autoloop.plugins.forms import FreeMapping, json_schema
from autoloop.plugins.outcomes import (
    Fail,
    Fork,
    Join,
    Loop,
    Next,
    Outcome,
    Retry,
    SendEmail,
    StartRun,
    Stop,
    WaitFor,
    WaitUntil,
)
from autoloop.plugins.registry import Plugin, Registry
from autoloop.plugins.steps import ActionStep, DecisionStep, GoalStep, Step
from autoloop.plugins.triggers import Trigger, TriggerEvent

__all__ = [
    "ActionContext",
    "ActionStep",
    "AddTag",
    "Condition",
    "ConditionType",
    "DecisionStep",
    "Effect",
    "Emit",
    "ExpressionError",
    "ExpressionType",
    "Fail",
    "Fork",
    "FreeMapping",
    "GoalStep",
    "Happening",
    "Join",
    "Known",
    "Loop",
    "Needs",
    "Next",
    "Notify",
    "Outcome",
    "Plugin",
    "Registry",
    "RemoveTag",
    "Resumed",
    "Retry",
    "SendEmail",
    "StartRun",
    "Step",
    "StepContext",
    "Stop",
    "Trigger",
    "TriggerEvent",
    "UpdateBusiness",
    "UpdateContact",
    "WaitFor",
    "WaitUntil",
    "compile_condition",
    "json_schema",
    "needs_of",
]
