"""Pages: doing something with many runs, after a look at how many; and how far that has come."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.errors import Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.businesses.models import Segment
from autoloop.engine import schemas
from autoloop.engine.bulk_views import listed_jobs
from autoloop.engine.models import BULK_VERBS, Workflow
from autoloop.engine.resources import Job, Jobs, Runs
from autoloop.engine.services.bulk import Bulk
from autoloop.engine.services.run_filter import FIELDS
from autoloop.engine.views import filter_of
from autoloop.web import page
from autoloop.web.input import ListQuery, checked, read_query
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse

HERE = "autoloop.engine:templates/"
CONFIRM, JOB, JOBS = HERE + "bulk.jinja2", HERE + "bulk_job.jinja2", HERE + "bulk_jobs.jinja2"

# What the person must type: what cannot be taken back.
TYPED = {"cancel": "cancel"}


@page(context=Runs, name="bulk", permission=Permission.PUBLISH, template=CONFIRM)
def ask(context: Runs, request: Request) -> dict[str, Any]:
    """How many runs it would be, before anything happens."""
    return asked(context, request, dict(request.GET))


def asked(
    context: Runs, request: Request, given: dict[str, str], error: Told | None = None
) -> dict[str, Any]:
    verb = given.get("verb", "")
    if verb not in BULK_VERBS:
        raise Invalid(details={"verb": [_("Choose what to do.")]})
    filter = _filter(context, given)
    total, others = request.services(Bulk).count(verb, filter)
    return {
        "verb": verb,
        "filter": filter,
        "said": _said(request, filter),
        "total": total,
        "others": others,
        "typed": TYPED.get(verb) if total else None,
        "runs_url": request.resource_url(context),
        "query": urlencode(
            {
                name: value
                for name, value in filter.items()
                if name != "workflow_id" or not context.workflow_id
            }
        ),
        "error": error,
    }


def _filter(context: Runs, given: dict[str, str]) -> dict[str, Any]:
    fields = {name: given[name] for name in FIELDS if given.get(name)}
    return filter_of(context, checked(schemas.RunsQuery(), fields))


def _said(request: Request, filter: dict[str, Any]) -> list[tuple[Any, str]]:
    """The filter in words: (what, which)."""
    titles = {
        "status": _("Status"),
        "workflow_id": _("Workflow"),
        "version": _("Version"),
        "node": _("Stands at"),
        "contact_id": _("Contact"),
        "tag": _("Tag"),
        "segment": _("Segment"),
        "started_before": _("Started before"),
    }
    said = []
    for name, value in filter.items():
        if name not in titles:
            continue
        table = {"workflow_id": Workflow, "segment": Segment}.get(name)
        row = request.db.get(table, (request.services.workspace_id, value)) if table is not None else None
        said.append((titles[name], row.name if row is not None else str(value)))
    return said


@page(context=Runs, method="POST", name="bulk", permission=Permission.PUBLISH, template=CONFIRM)
def begin(context: Runs, request: Request) -> Any:
    given = {name: str(value) for name, value in request.POST.items()}
    verb = given.get("verb", "")
    word = TYPED.get(verb)
    if word is not None and given.get("confirm", "").strip().lower() != word:
        wrong = Invalid(details={"confirm": [_("Type “${word}” to go on.", mapping={"word": word})]})
        return asked(context, request, given, refuse(request, wrong))
    job = request.services(Bulk).begin(verb, _filter(context, given))
    return HTTPSeeOther(request.resource_url(context, "jobs", str(job.id)))


@page(context=Jobs, permission=Permission.READ, template=JOBS)
def jobs(context: Jobs, request: Request) -> dict[str, Any]:
    request.filters = read_query(request, ListQuery(), many=True)
    return {"page": listed_jobs(context, request), "runs_url": request.resource_url(context.__parent__)}


@page(context=Job, permission=Permission.READ, template=JOB)
def job(context: Job, request: Request) -> dict[str, Any]:
    return shown(context, request)


def shown(context: Job, request: Request, error: Told | None = None) -> dict[str, Any]:
    row = context.row
    jobs = context.__parent__
    assert jobs is not None
    return {
        "job": row,
        "said": _said(request, row.filter),
        "jobs_url": request.resource_url(jobs),
        "runs_url": request.resource_url(jobs.__parent__),
        "may_publish": request.has_permission(Permission.PUBLISH, context),
        "error": error,
    }


@page(context=Job, method="POST", name="stop", permission=Permission.PUBLISH, template=JOB)
def stop(context: Job, request: Request) -> Any:
    try:
        request.services(Bulk).stop(context.row)
    except Conflict as error:
        return shown(context, request, refuse(request, error))
    return HTTPSeeOther(request.resource_url(context))


@page(context=Job, method="POST", name="undo", permission=Permission.PUBLISH, template=JOB)
def undo(context: Job, request: Request) -> Any:
    try:
        done = request.services(Bulk).undo(context.row)
    except Conflict as error:
        return shown(context, request, refuse(request, error))
    return HTTPSeeOther(request.resource_url(context.__parent__, str(done.id)))
