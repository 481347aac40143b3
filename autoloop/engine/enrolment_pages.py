"""Pages: large sets of contacts on their way into workflows."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from sqlalchemy import select

from autoloop.base.errors import Conflict
from autoloop.businesses.models import Segment
from autoloop.engine.enrolment_views import EnrolmentsQuery, listed_enrolments
from autoloop.engine.models import Workflow
from autoloop.engine.resources import Enrolment, Enrolments
from autoloop.engine.services.enrolments import Enrolments as EnrolmentService
from autoloop.web import page
from autoloop.web.input import read_query
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse

HERE = "autoloop.engine:templates/"
ONE = HERE + "enrolment.jinja2"


@page(context=Enrolments, permission=Permission.READ, template=HERE + "enrolments.jinja2")
def enrolments(context: Enrolments, request: Request) -> dict[str, Any]:
    request.filters = read_query(request, EnrolmentsQuery(), many=True)
    found = listed_enrolments(request)
    ids = {row.workflow_id for row in found.rows}
    query = select(Workflow.id, Workflow.name).where(
        Workflow.workspace_id == request.services.workspace_id, Workflow.id.in_(ids)
    )
    return {"page": found, "names": {row.id: row.name for row in request.db.execute(query)}}


@page(context=Enrolment, permission=Permission.READ, template=ONE)
def enrolment(context: Enrolment, request: Request) -> dict[str, Any]:
    return shown(context, request)


def shown(context: Enrolment, request: Request, error: Told | None = None) -> dict[str, Any]:
    row = context.row
    key = request.services.workspace_id
    segment = row.whom.get("segment")
    return {
        "row": row,
        "workflow": request.db.get(Workflow, (key, row.workflow_id)),
        "segment": request.db.get(Segment, (key, segment)) if segment else None,
        "may_publish": request.has_permission(Permission.PUBLISH, context),
        "error": error,
    }


@page(context=Enrolment, method="POST", name="stop", permission=Permission.PUBLISH, template=ONE)
def stop(context: Enrolment, request: Request) -> Any:
    try:
        request.services(EnrolmentService).stop(context.row)
    except Conflict as error:
        return shown(context, request, refuse(request, error))
    return HTTPSeeOther(request.resource_url(context))
