"""The JSON door of runs and events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from pyramid.request import Request

from autoloop.base.errors import Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.engine import schemas
from autoloop.engine.models import EventRow, RunStep, WorkflowRun
from autoloop.engine.resources import Events, Run, Runs, Steps
from autoloop.engine.services.inbox import Inbox
from autoloop.engine.services.runs import Runs as RunService
from autoloop.web import Page, api_view
from autoloop.web.answers import shape
from autoloop.web.paging import Order, fetch_page
from autoloop.web.permissions import Permission

__all__ = ["changed", "runs_page"]


def runs_page(context: Runs, request: Request, filters: dict[str, Any]) -> Page:
    """One page of runs, newest first."""
    query = request.services(RunService).listed()
    workflow = context.workflow_id or filters.get("workflow_id")
    if workflow is not None:
        query = query.where(WorkflowRun.workflow_id == workflow)
    if filters.get("contact_id"):
        query = query.where(WorkflowRun.contact_id == UUID(filters["contact_id"]))
    if filters.get("status"):
        query = query.where(WorkflowRun.status == filters["status"])
    return fetch_page(request.db, query, Order(WorkflowRun.id, True), WorkflowRun.id, filters)


@api_view(context=Runs, permission=Permission.READ, query=schemas.RunQuery, out=schemas.RunOut, many=True)
def list_runs(context: Runs, request: Request) -> Page:
    """Runs, newest first."""
    return runs_page(context, request, request.filters)


@api_view(context=Run, permission=Permission.READ, out=schemas.RunOut)
def get_run(context: Run, request: Request) -> Any:
    """One run: where it stands, and until when."""
    return context.row


@api_view(context=Steps, permission=Permission.READ, out=schemas.StepOut, many=True)
def list_steps(context: Steps, request: Request) -> Page:
    """The run's journal, in order: each step it took and why."""
    run = context.run
    query = request.services(RunService).journal(run.id).order_by(None)
    filters = request.filters
    page = fetch_page(request.db, _columns(query), Order(RunStep.seq), RunStep.run_id, filters)
    return page


def _columns(query: Any) -> Any:
    table = RunStep.__table__
    return query.with_only_columns(*table.columns, table.c.run_id.label("id"))


@api_view(context=Run, method="POST", name="cancel", permission=Permission.EDIT, body=schemas.Why, out=schemas.RunOut)
def cancel_run(context: Run, request: Request) -> Any:
    """End a run now. Its mails that wait are called off; one being sent cannot be recalled."""
    why = request.validated["why"]
    return changed(context, request, lambda runs: runs.cancel([context.id], why) if why else runs.cancel([context.id]))


@api_view(context=Run, method="POST", name="pause", permission=Permission.EDIT, body=schemas.Why, out=schemas.RunOut)
def pause_run(context: Run, request: Request) -> Any:
    """Hold a run. What reaches it meanwhile is kept."""
    why = request.validated["why"]
    return changed(context, request, lambda runs: runs.pause([context.id], why) if why else runs.pause([context.id]))


@api_view(context=Run, method="POST", name="resume", permission=Permission.EDIT, out=schemas.RunOut)
def resume_run(context: Run, request: Request) -> Any:
    """Let a run go on that was paused, blocked or set aside."""
    row = changed(context, request, lambda runs: runs.resume([context.id]))
    request.services.nudge("advance")
    return row


def changed(context: Run, request: Request, verb: Callable[[RunService], list[UUID]]) -> Any:
    """Do something to a run and show it. Raises Conflict if its status does not allow it."""
    status = context.row.status
    runs = request.services(RunService)
    if not verb(runs):
        raise Conflict(_("A run that is ${status} cannot do that.", mapping={"status": status}), code="RUN_STATUS")
    return runs.shown(context.id)


@api_view(context=Events, method="POST", permission=Permission.EDIT, body=schemas.EventIn, out=schemas.ReceivedOut, status=202)
def take_event(context: Events, request: Request) -> Any:
    """Say that something happened to a contact: starts runs, wakes waits."""
    return request.services(Inbox).take([request.validated])[0]


@api_view(
    context=Events, method="POST", name="batch", permission=Permission.EDIT, body=schemas.EventsIn, out=None, status=202
)
def take_events(context: Events, request: Request) -> Any:
    """Up to 500 events at once: all are taken, or none."""
    given = request.validated["events"]
    if not given:
        raise Invalid(details={"events": [_("Send at least one event.")]})
    return [shape(row, RECEIVED) for row in request.services(Inbox).take(given)]


RECEIVED = schemas.ReceivedOut()


@api_view(context=Events, permission=Permission.READ, query=schemas.EventQuery, out=schemas.EventOut, many=True)
def list_events(context: Events, request: Request) -> Page:
    """What happened, newest first."""
    filters = request.filters
    contact = UUID(filters["contact_id"]) if filters["contact_id"] else None
    query = request.services(Inbox).rows(name=filters["name"], contact_id=contact)
    return fetch_page(request.db, query.with_only_columns(*EventRow.__table__.columns), Order(EventRow.id, True), EventRow.id, filters)
