"""JSON: runs and their journals, events in and out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pyramid.request import Request

from autoloop.base.errors import Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.engine import schemas
from autoloop.engine.models import EventRow, Workflow, WorkflowRun
from autoloop.engine.resources import Events, Run, Runs, Steps
from autoloop.engine.services.inbox import Inbox
from autoloop.engine.services.rerunning import REFUSED, rerun
from autoloop.engine.services.run_filter import FIELDS, checked_filter
from autoloop.engine.services.runs import Runs as RunService
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission

__all__ = ["again", "filter_of", "listed", "moved"]


def given_id(filters: dict[str, Any], name: str) -> UUID | None:
    """A filter that is an id. Raises Invalid where it is none."""
    value = filters.get(name)
    if not value:
        return None
    found = parse_id(value)
    if found is None:
        raise Invalid(details={name: [_("This is no id.")]})
    return found


def filter_of(context: Runs, filters: dict[str, Any]) -> dict[str, Any]:
    """The runs' filter in a request's query; below a workflow, that workflow's. Raises Invalid."""
    given = {name: filters[name] for name in FIELDS}
    if context.workflow_id is not None:
        given["workflow_id"] = context.workflow_id
    return checked_filter(given)


def listed(context: Runs, request: Request, *, count: bool = False) -> Page:
    """A page of runs by the request's filters, newest first unless asked otherwise."""
    filters = request.filters
    found = request.services(RunService).query(filter_of(context, filters))
    order = order_of(filters["sort"], {"started_at": WorkflowRun.id}, "-started_at")
    return fetch_page(request.db, found, order, WorkflowRun.id, filters, count=count)


@api_view(context=Runs, permission=Permission.READ, query=schemas.RunsQuery, out=schemas.RunOut, many=True)
def list_runs(context: Runs, request: Request) -> Page:
    """Runs of the workspace, or of one workflow."""
    return listed(context, request)


@api_view(context=Run, permission=Permission.READ, out=schemas.RunDetail)
def show_run(context: Run, request: Request) -> Any:
    """One run: where it stands, what it waits for, what it knows."""
    return context.row


@api_view(context=Steps, permission=Permission.READ, out=schemas.StepOut, many=True)
def list_steps(context: Steps, request: Request) -> Page:
    """The journal of a run, in order, whole."""
    run = context.__parent__
    assert isinstance(run, Run)
    return Page(request.services(RunService).journal(run.row.id))


def moved(context: Run, request: Request, verb: str) -> Any:
    """Cancel, pause, resume or retry the run; Conflict if its status has no such way."""
    run = context.row
    before = run.status
    if not getattr(request.services(RunService), verb)([run.id]):
        if verb == "retry" and before == "failed":
            raise _not_retryable(request, run)
        raise Conflict(
            _("This run is ${status}: nothing to ${verb}.", mapping={"status": before, "verb": verb}),
            code="RUN_STATUS",
        )
    request.services.nudge("advance")
    request.db.refresh(run)
    return run


def _not_retryable(request: Request, run: WorkflowRun) -> Conflict:
    workflow = request.db.get(Workflow, (run.workspace_id, run.workflow_id))
    if workflow is not None and workflow.status not in ("live", "paused"):
        return Conflict(
            _("The workflow of this run is put away: restore and publish it first."), code="WORKFLOW_NOT_LIVE"
        )
    return Conflict(
        _(
            "Another branch of this run waited for an email, a call or another run, and what became of "
            "that is lost: start the run again instead."
        ),
        code="RUN_NOT_RETRYABLE",
    )


@api_view(context=Run, method="POST", name="cancel", permission=Permission.PUBLISH, out=schemas.RunDetail)
def cancel_run(context: Run, request: Request) -> Any:
    """End the run. Mails not yet on the way are called off; one being sent cannot be recalled."""
    return moved(context, request, "cancel")


@api_view(context=Run, method="POST", name="pause", permission=Permission.PUBLISH, out=schemas.RunDetail)
def pause_run(context: Run, request: Request) -> Any:
    """Hold the run where it stands. What reaches it meanwhile is kept."""
    return moved(context, request, "pause")


@api_view(context=Run, method="POST", name="resume", permission=Permission.PUBLISH, out=schemas.RunDetail)
def resume_run(context: Run, request: Request) -> Any:
    """Let a paused, blocked or quarantined run go on."""
    return moved(context, request, "resume")


@api_view(context=Run, method="POST", name="retry", permission=Permission.PUBLISH, out=schemas.RunDetail)
def retry_run(context: Run, request: Request) -> Any:
    """Let a failed run go on at the step that failed. 409 if another branch waited for
    an email, a call or another run."""
    return moved(context, request, "retry")


@api_view(
    context=Run, method="POST", name="rerun", permission=Permission.PUBLISH, out=schemas.RunDetail, status=201
)
def rerun_run(context: Run, request: Request) -> Any:
    """Start the run's contact again, through the live version. 409 with the reason where that cannot be."""
    return again(context, request)


def again(context: Run, request: Request) -> Any:
    """The new run. Raises Conflict, whose details name the reason."""
    done = rerun(request.services, [context.row.id])
    if not done.started:
        (reason,) = done.refused
        raise Conflict(REFUSED[reason], code="RUN_NOT_RERUNNABLE", details={"reason": [reason]})
    request.services.nudge("advance")
    return request.services(RunService).find(done.started[0])


@api_view(
    context=Events,
    method="POST",
    permission=Permission.EDIT,
    body=schemas.EventsIn,
    out=schemas.EventsOut,
    status=202,
)
def take_events(context: Events, request: Request) -> Any:
    """Tell what happened to contacts, up to 1,000 events at once: starts runs, wakes waits."""
    return request.services(Inbox).accept(request.validated["events"])


@api_view(
    context=Events, permission=Permission.READ, query=schemas.EventsQuery, out=schemas.EventOut, many=True
)
def list_events(context: Events, request: Request) -> Page:
    """Events of the workspace, newest first."""
    filters = request.filters
    found = request.services(Inbox).query(name=filters["name"], contact_id=given_id(filters, "contact_id"))
    order = order_of(filters["sort"], {"received_at": EventRow.id}, "-received_at")
    return fetch_page(request.db, found, order, EventRow.id, filters)
