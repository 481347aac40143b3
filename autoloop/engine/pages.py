"""Pages: the list of runs, and one run from its start to where it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from sqlalchemy import select

from autoloop.base.errors import Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.businesses.models import Contact, Segment
from autoloop.engine import schemas
from autoloop.engine.explain import RunStory, translated
from autoloop.engine.models import BULK_VERBS, RUN_STATUSES, Workflow, WorkflowVersion
from autoloop.engine.resources import Run, Runs
from autoloop.engine.run_lines import journal_lines, places
from autoloop.engine.services.bulk import TAKES
from autoloop.engine.services.run_filter import FIELDS
from autoloop.engine.services.runs import Runs as RunService
from autoloop.engine.step_names import names_in_versions, step_names
from autoloop.engine.views import again, filter_of, listed, moved
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.input import read_query
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse

HERE = "autoloop.engine:templates/"
MOST_COUNTED = 10_000
MOST_CHOICES = 200
MOST_LINES = 500


@page(context=Runs, permission=Permission.READ, template=HERE + "runs.jinja2")
def runs_page(context: Runs, request: Request) -> dict[str, Any]:
    """Runs by a filter, with the step where each stands, and what can be done with all of them."""
    error: Told | None = None
    try:
        request.filters = read_query(request, schemas.RunsQuery(), many=True)
        filter = filter_of(context, request.filters)
        found = listed(context, request)
    except Invalid as wrong:
        error = refuse(request, wrong)
        request.filters = schemas.RunsQuery().deserialize({})
        filter = filter_of(context, request.filters)
        found = listed(context, request)
    status = filter.get("status")

    def narrowed(to: str | None) -> str:
        kept = {name: value for name, value in request.GET.items() if name in FIELDS and value and not error}
        query = urlencode({**kept, "status": to} if to else {k: v for k, v in kept.items() if k != "status"})
        return f"?{query}" if query else ""

    return {
        "page": found,
        "error": error,
        "filters": request.filters,
        "filter": filter,
        "is_filtered": bool(set(filter) - ({"workflow_id"} if context.workflow_id else set())),
        "statuses": RUN_STATUSES,
        "of_one": context.workflow_id is not None,
        "count": request.services(RunService).count(filter, MOST_COUNTED),
        "most": MOST_COUNTED,
        "narrowed": narrowed,
        "verbs": [verb for verb in BULK_VERBS if status is None or status in TAKES[verb]],
        "standing": _standing(request, found.rows),
        "workflows": _choices(request, Workflow),
        "segments": _choices(request, Segment),
        "steps": _steps(request, filter.get("workflow_id")),
        "may_publish": request.has_permission(Permission.PUBLISH, context),
    }


def _standing(request: Request, rows: Any) -> dict[UUID, list[str]]:
    """Run → what people call the steps where it stands."""
    wanted: dict[UUID, set[str]] = {}
    for row in rows:
        wanted.setdefault(row.version_id, set()).update(each["node"] for each in row.positions)
    wanted = {version: nodes for version, nodes in wanted.items() if nodes}
    plugins = request.registrations.plugins
    names = names_in_versions(request.db, request.services.workspace_id, plugins, wanted) if wanted else {}
    found: dict[UUID, list[str]] = {}
    for row in rows:
        titles = (names.get((row.version_id, each["node"])) for each in row.positions)
        found[row.id] = list(dict.fromkeys(name.title for name in titles if name))
    return found


def _choices(request: Request, table: Any) -> list[tuple[str, str]]:
    query = select(table.id, table.name).where(table.workspace_id == request.services.workspace_id)
    rows = request.db.execute(query.order_by(table.name, table.id).limit(MOST_CHOICES))
    return [(str(row.id), row.name) for row in rows]


def _steps(request: Request, workflow: str | None) -> list[tuple[str, str]]:
    """The steps of a workflow's live version, to choose from."""
    if workflow is None:
        return []
    key = request.services.workspace_id
    query = (
        select(WorkflowVersion.graph)
        .join(Workflow, Workflow.live_version_id == WorkflowVersion.id)
        .where(
            Workflow.workspace_id == key, WorkflowVersion.workspace_id == key, Workflow.id == UUID(workflow)
        )
    )
    graph = request.db.execute(query).scalar_one_or_none()
    names = step_names(graph, request.registrations.plugins) if graph else {}
    return [(node, name.title) for node, name in names.items()]


@page(context=Run, permission=Permission.READ, template=HERE + "run.jinja2")
def run_page(context: Run, request: Request) -> dict[str, Any]:
    return shown(context, request, None)


def shown(context: Run, request: Request, error: Told | None) -> dict[str, Any]:
    run = context.row
    service = request.services(RunService)
    key = run.workspace_id
    version = request.db.get(WorkflowVersion, (key, run.version_id))
    names = step_names(version.graph, request.registrations.plugins) if version else {}
    translate = request.localizer.translate
    journal = service.journal(run.id, MOST_LINES)
    return {
        "run": run,
        "workflow": request.db.get(Workflow, (key, run.workflow_id)),
        "contact": request.db.get(Contact, (key, run.contact_id)) if run.contact_id else None,
        "version": version,
        "journal": journal_lines(journal, names, translate),
        "earlier": journal[0].seq - 1 if journal else 0,
        "standing": places(run.positions, names, translate),
        "actions": [(each, names.get(each.node)) for each in service.actions(run.id)],
        "why": translated(request.services(RunStory).frame(run), translate),
        "may_publish": request.has_permission(Permission.PUBLISH, context),
        "error": error,
    }


def _answer(context: Run, request: Request, act: Callable[[], Any], place: Any) -> Any:
    try:
        done = act()
    except Conflict as error:
        return shown(context, request, refuse(request, error))
    return HTTPSeeOther(place(done))


def _move(context: Run, request: Request, verb: str) -> Any:
    here = request.resource_url(context)
    return _answer(context, request, lambda: moved(context, request, verb), lambda _done: here)


@page(context=Run, method="POST", name="cancel", permission=Permission.PUBLISH, template=HERE + "run.jinja2")
def cancel(context: Run, request: Request) -> Any:
    return _move(context, request, "cancel")


@page(context=Run, method="POST", name="pause", permission=Permission.PUBLISH, template=HERE + "run.jinja2")
def pause(context: Run, request: Request) -> Any:
    return _move(context, request, "pause")


@page(context=Run, method="POST", name="resume", permission=Permission.PUBLISH, template=HERE + "run.jinja2")
def resume(context: Run, request: Request) -> Any:
    return _move(context, request, "resume")


@page(context=Run, method="POST", name="retry", permission=Permission.PUBLISH, template=HERE + "run.jinja2")
def retry(context: Run, request: Request) -> Any:
    return _move(context, request, "retry")


@page(context=Run, method="POST", name="rerun", permission=Permission.PUBLISH, template=HERE + "run.jinja2")
def rerun(context: Run, request: Request) -> Any:
    """Go to the new run."""
    runs = context.__parent__

    def place(made: Any) -> str:
        say(request, _("Started again. This is the new run."))
        return str(request.resource_url(runs, str(made.id)))

    return _answer(context, request, lambda: again(context, request), place)
