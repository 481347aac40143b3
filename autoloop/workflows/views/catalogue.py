"""JSON: the steps and triggers of this installation."""

from __future__ import annotations

from pyramid.request import Request

from autoloop.web import Page, api_view
from autoloop.web.permissions import Permission
from autoloop.workflows import schemas
from autoloop.workflows.catalogue import step_types, trigger_types
from autoloop.workflows.resources import StepTypes, TriggerTypes


@api_view(context=StepTypes, permission=Permission.READ, out=schemas.StepTypeOut, many=True)
def list_step_types(context: StepTypes, request: Request) -> Page:
    """Every step that a workflow may use, with the JSON Schema of its settings."""
    rows = list(step_types(request.registrations.plugins))
    return Page(rows, None, len(rows))


@api_view(context=TriggerTypes, permission=Permission.READ, out=schemas.TriggerTypeOut, many=True)
def list_trigger_types(context: TriggerTypes, request: Request) -> Page:
    """Every trigger that a workflow may have, with the JSON Schema of its settings."""
    rows = list(trigger_types(request.registrations.plugins))
    return Page(rows, None, len(rows))
