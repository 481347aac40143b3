"""JSON: publish, pause, resume, archive, start runs by hand, look at versions."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.base.errors import PreconditionFailed
from autoloop.engine.models import WorkflowVersion
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission
from autoloop.workflows import schemas, services
from autoloop.workflows.resources import Version, Versions, Workflow, draft_tag


@api_view(
    context=Workflow,
    method="POST",
    name="publish",
    permission=Permission.PUBLISH,
    body=schemas.Publish,
    out=schemas.VersionRow,
)
def publish_workflow(context: Workflow, request: Request) -> Any:
    """Make a version of the draft, and let new runs walk through it. A paused workflow stays paused.

    With the draft's ETag in If-Match: 412 if somebody saved another draft meanwhile.
    """
    seen = None
    if "If-Match" in request.headers:
        draft = request.services(services.Drafts).of(context.id)
        if draft_tag(draft) not in request.if_match:
            raise PreconditionFailed
        seen = draft.revision
    version = request.services(services.Life).publish(context.id, note=request.validated["note"], seen=seen)
    return request.services(services.Versions).numbered(context.id, version.number)


@api_view(
    context=Workflow, method="POST", name="pause", permission=Permission.PUBLISH, out=schemas.WorkflowOut
)
def pause_workflow(context: Workflow, request: Request) -> Any:
    """Hold all runs where they are, and start none."""
    request.services(services.Life).pause(context.id)
    return request.services(services.Workflows).row(context.id)


@api_view(
    context=Workflow, method="POST", name="resume", permission=Permission.PUBLISH, out=schemas.WorkflowOut
)
def resume_workflow(context: Workflow, request: Request) -> Any:
    """Let held runs go on, and new ones start. Waits that ended meanwhile end now."""
    request.services(services.Life).resume(context.id)
    return request.services(services.Workflows).row(context.id)


@api_view(
    context=Workflow, method="POST", name="archive", permission=Permission.PUBLISH, out=schemas.WorkflowOut
)
def archive_workflow(context: Workflow, request: Request) -> Any:
    """Put the workflow away: its runs are cancelled, its mails that are not yet sent too."""
    request.services(services.Life).archive(context.id)
    return request.services(services.Workflows).row(context.id)


@api_view(
    context=Workflow, method="POST", name="restore", permission=Permission.PUBLISH, out=schemas.WorkflowOut
)
def restore_workflow(context: Workflow, request: Request) -> Any:
    """Take an archived workflow out again, as a draft."""
    request.services(services.Life).restore(context.id)
    return request.services(services.Workflows).row(context.id)


@api_view(
    context=Workflow,
    method="POST",
    name="enrol",
    permission=Permission.PUBLISH,
    body=schemas.EnrolIn,
    out=schemas.EnrolOut,
)
def enrol_contacts(context: Workflow, request: Request) -> Any:
    """Start runs by hand: for a list of contacts, for all with a tag or in a segment, or for all."""
    done = request.services(services.Starting).by_hand(context.id, **request.validated)
    if done["enrolment"] is not None:
        request.db.refresh(done["enrolment"])
    return done


@api_view(
    context=Workflow,
    method="POST",
    name="preview-start",
    permission=Permission.READ,
    body=schemas.PreviewIn,
    out=schemas.PreviewOut,
)
def preview_start(context: Workflow, request: Request) -> Any:
    """Who would start now, and who would not, by reason. Writes nothing."""
    return request.services(services.Starting).preview(context.id, **request.validated)


@api_view(context=Versions, permission=Permission.READ, out=schemas.VersionRow, many=True)
def list_versions(context: Versions, request: Request) -> Page:
    """Published versions, newest first."""
    order = order_of(request.filters["sort"], {"number": WorkflowVersion.number}, "-number")
    found = request.services(services.Versions).of(context.workflow_id)
    return fetch_page(request.db, found, order, WorkflowVersion.id, request.filters)


@api_view(context=Version, permission=Permission.READ, out=schemas.VersionOut)
def show_version(context: Version, request: Request) -> Any:
    """One version with its graph."""
    return context.row
