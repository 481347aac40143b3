"""JSON: the list, one workflow, its figures; and what goes in and out as a document."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autoloop.engine.models import Workflow as WorkflowRow
from autoloop.web import Page, api_view
from autoloop.web.caching import cached_list
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission
from autoloop.workflows import schemas, services
from autoloop.workflows.document_schemas import ExportQuery, Import, Imported
from autoloop.workflows.resources import Stats, Triggers, Workflow, Workflows

SORTS = {
    "name": WorkflowRow.name,
    "status": WorkflowRow.status,
    "created_at": WorkflowRow.created_at,
    "updated_at": WorkflowRow.updated_at,
}


def listed(request: Request) -> Page:
    """A page of workflows by the request's filters, newest change first unless asked otherwise."""
    found = request.services(services.Workflows).found(request.filters)
    order = order_of(request.filters["sort"], SORTS, "-updated_at")
    return fetch_page(request.db, found, order, WorkflowRow.id, request.filters, count=True)


@api_view(
    context=Workflows,
    permission=Permission.READ,
    query=schemas.WorkflowsQuery,
    out=schemas.WorkflowOut,
    many=True,
)
def list_workflows(context: Workflows, request: Request) -> Response:
    """Workflows of the workspace."""
    return cached_list(
        request, "workflows", "workflows", ("workflows",), schemas.WorkflowOut(), lambda: listed(request)
    )


@api_view(
    context=Workflows,
    method="POST",
    permission=Permission.EDIT,
    body=schemas.NewWorkflow,
    out=schemas.WorkflowOut,
)
def create_workflow(context: Workflows, request: Request) -> Any:
    """Make a workflow: a draft, empty or with a graph."""
    workflows = request.services(services.Workflows)
    return workflows.row(workflows.create(**request.validated).id)


@api_view(context=Workflow, permission=Permission.READ, out=schemas.WorkflowOut)
def show_workflow(context: Workflow, request: Request) -> Any:
    """One workflow."""
    return context.row


@api_view(
    context=Workflow,
    method="PATCH",
    permission=Permission.EDIT,
    body=schemas.Change,
    out=schemas.WorkflowOut,
)
def change_workflow(context: Workflow, request: Request) -> Any:
    """Change a workflow's name and description."""
    workflows = request.services(services.Workflows)
    workflows.change(context.id, request.validated)
    return workflows.row(context.id)


@api_view(context=Workflow, method="DELETE", permission=Permission.EDIT)
def remove_workflow(context: Workflow, request: Request) -> None:
    """Remove a workflow that was never published."""
    request.services(services.Workflows).remove(context.id)


@api_view(
    context=Workflow,
    method="POST",
    name="duplicate",
    permission=Permission.EDIT,
    body=schemas.Duplicate,
    out=schemas.WorkflowOut,
    status=201,
)
def duplicate_workflow(context: Workflow, request: Request) -> Any:
    """Make a new workflow with the same draft."""
    workflows = request.services(services.Workflows)
    return workflows.row(workflows.duplicate(context.row.id, request.validated["name"]).id)


@api_view(context=Workflow, name="export", permission=Permission.READ, query=ExportQuery)
def export_workflow(context: Workflow, request: Request) -> dict[str, Any]:
    """The workflow's draft as a document that @@import takes, with the templates that its steps send."""
    along = request.filters["templates"]
    return request.services(services.Workflows).exported(context.row.id, templates=along)


@api_view(
    context=Workflows,
    method="POST",
    name="import",
    permission=Permission.EDIT,
    body=Import,
    out=Imported,
    status=201,
)
def import_workflow(context: Workflows, request: Request) -> Any:
    """Make a draft from an exported document. What it names is looked for by id, else by name; `missing`
    tells what is neither. Templates in the document are made where none has the name; `templates` tells
    what became of each."""
    workflows, given = request.services(services.Workflows), request.validated
    done = workflows.imported(given["workflow"], given["use"], templates=given["templates"])
    told = {"missing": done.missing, "templates": done.templates}
    return dict(workflows.row(done.workflow.id)._mapping) | told  # type: ignore[union-attr]


@api_view(context=Stats, permission=Permission.READ, out=schemas.StatsOut)
def show_stats(context: Stats, request: Request) -> dict[str, Any]:
    """Runs by status, and for each step who stands there and who left by which port."""
    return request.services(services.Figures).of(context.workflow_id)


@api_view(context=Triggers, permission=Permission.READ, out=schemas.TriggerOut, many=True)
def list_triggers(context: Triggers, request: Request) -> Page:
    """What starts runs of the workflow since it was published last."""
    return Page(request.services(services.Versions).triggers(context.workflow_id))
