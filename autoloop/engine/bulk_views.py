"""Acts on many runs behind the JSON door: /w/{workspace}/runs/bulk, /w/{workspace}/runs/jobs/{id}."""

from __future__ import annotations

from typing import Any

import colander
from pyramid.request import Request
from pyramid.response import Response

from autoloop.engine.models import BULK_VERBS, BulkJob
from autoloop.engine.resources import Job, Jobs, Runs
from autoloop.engine.schemas import flag, free, moment, whole, word
from autoloop.engine.services.bulk import Bulk
from autoloop.web import Page, api_view
from autoloop.web.answers import one
from autoloop.web.input import ListQuery
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission

__all__ = ["JOB_COLUMNS", "listed_jobs", "within"]


class BulkIn(colander.MappingSchema):
    """`filter`: status, workflow_id, version, node, contact_id, tag, segment, started_before; all must hold."""

    verb = colander.SchemaNode(colander.String(), validator=colander.OneOf(BULK_VERBS))
    filter = free(missing=colander.drop)
    dry_run = flag(missing=False, description="Only count")


class JobOut(colander.MappingSchema):
    """`seen` of `total` runs were looked at, `changed` of them changed; `skipped` counts the others by reason.

    Of a dry run there is no id, and `status` is dry_run.
    """

    id = word(missing=None)
    workflow_id = word(missing=None)
    verb = word()
    filter = free()
    undo_of = word(missing=None)
    status = word(description="going, done, stopped or dry_run")
    reason = word(missing=None)
    total = whole()
    seen = whole()
    changed = whole()
    skipped = free()
    created_at = moment(missing=None)
    ended_at = moment(missing=None)


OUT = JobOut()
JOB_COLUMNS = [getattr(BulkJob, node.name) for node in OUT.children]


def within(context: Runs, filter: dict[str, Any]) -> dict[str, Any]:
    """A filter below a workflow means that workflow's runs only."""
    return filter | {"workflow_id": str(context.workflow_id)} if context.workflow_id else filter


@api_view(context=Runs, method="POST", name="bulk", permission=Permission.PUBLISH, body=BulkIn, out=JobOut)
def act_on_runs(context: Runs, request: Request) -> Response:
    """Cancel, pause, resume, retry or re-run all runs that a filter finds, part by part. Answers with a job."""
    given = request.validated
    filter, verb = within(context, given.get("filter", {})), given["verb"]
    bulk = request.services(Bulk)
    if given["dry_run"]:
        total, others = bulk.count(verb, filter)
        skipped = {"other_status": others} if others else {}
        counted = {"verb": verb, "filter": filter, "status": "dry_run", "total": total, "skipped": skipped}
        nothing = {"seen": 0, "changed": 0, "id": None, "workflow_id": None, "undo_of": None, "reason": None}
        told = counted | nothing | {"created_at": None, "ended_at": None}
        return one(request, told, OUT, 200, None)
    return one(request, bulk.begin(verb, filter), OUT, 200, None)


def listed_jobs(context: Jobs, request: Request) -> Page:
    rows = request.services(Bulk).rows(context.workflow_id).with_only_columns(*JOB_COLUMNS)
    order = order_of(request.filters["sort"], {"created_at": BulkJob.created_at}, default="-created_at")
    return fetch_page(request.db, rows, order, BulkJob.id, request.filters)


@api_view(context=Jobs, permission=Permission.READ, query=ListQuery, out=JobOut, many=True)
def list_jobs(context: Jobs, request: Request) -> Page:
    """Acts on many runs, the newest first."""
    return listed_jobs(context, request)


@api_view(context=Job, permission=Permission.READ, out=JobOut)
def show_job(context: Job, request: Request) -> Any:
    """How far one has come."""
    return context.row


@api_view(context=Job, method="POST", name="stop", permission=Permission.PUBLISH, out=JobOut)
def stop_job(context: Job, request: Request) -> Any:
    """Do it to no more runs; what is done stays done."""
    return request.services(Bulk).stop(context.row)


@api_view(context=Job, method="POST", name="undo", permission=Permission.PUBLISH, out=JobOut, status=202)
def undo_job(context: Job, request: Request) -> Any:
    """Resume the runs that a pause held and nobody has touched since. Answers with a job of its own."""
    return request.services(Bulk).undo(context.row)
