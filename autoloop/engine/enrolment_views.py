"""Large enrolments behind the JSON door: /w/{workspace}/enrolments/{id}."""

from __future__ import annotations

from typing import Any

import colander
from pyramid.request import Request

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.engine.models import EnrolmentRow
from autoloop.engine.resources import Enrolment, Enrolments
from autoloop.engine.schemas import free, moment, text, whole, word
from autoloop.engine.services.enrolments import Enrolments as EnrolmentService
from autoloop.web import Page, api_view
from autoloop.web.input import ListQuery
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission

__all__ = ["COLUMNS", "EnrolmentOut", "listed_enrolments"]


class BeginEnrolment(colander.MappingSchema):
    workflow_id = text(36)
    whom = free(description='{"all": true}, {"tag": name} or {"segment": id}')


class EnrolmentsQuery(ListQuery):
    workflow_id = text(36, missing=None, description="Only into this workflow")


class EnrolmentOut(colander.MappingSchema):
    """`seen` of `total` contacts were looked at; `skipped` counts by reason."""

    id = word()
    workflow_id = word()
    trigger = word()
    whom = free()
    status = word(description="going, done or stopped")
    reason = word(missing=None)
    total = whole(missing=None)
    seen = whole()
    started = whole()
    skipped = free()
    created_at = moment()
    ended_at = moment(missing=None)


COLUMNS = [getattr(EnrolmentRow, node.name) for node in EnrolmentOut().children]


def listed_enrolments(request: Request) -> Page:
    """A page of enrolments by the request's filters, the newest first. Raises Invalid."""
    given = request.filters["workflow_id"]
    workflow = parse_id(given) if given else None
    if given and workflow is None:
        raise Invalid(details={"workflow_id": [_("This is no id.")]})
    order = order_of(request.filters["sort"], {"created_at": EnrolmentRow.created_at}, default="-created_at")
    rows = request.services(EnrolmentService).rows(workflow).with_only_columns(*COLUMNS)
    return fetch_page(request.db, rows, order, EnrolmentRow.id, request.filters)


@api_view(context=Enrolments, permission=Permission.READ, query=EnrolmentsQuery, out=EnrolmentOut, many=True)
def enrolments(context: Enrolments, request: Request) -> Page:
    """Sets of contacts that enter workflows, by hand or by the clock; the newest first."""
    return listed_enrolments(request)


@api_view(
    context=Enrolments,
    method="POST",
    permission=Permission.PUBLISH,
    body=BeginEnrolment,
    out=EnrolmentOut,
    status=202,
)
def begin_enrolment(context: Enrolments, request: Request) -> Any:
    """Let a set of contacts into a live workflow, part by part. Send an Idempotency-Key to be safe."""
    workflow = parse_id(request.validated["workflow_id"])
    if workflow is None:
        raise Invalid(details={"workflow_id": [_("This is no id.")]})
    service = request.services(EnrolmentService)
    row = service.begin(workflow, request.validated["whom"])
    request.db.refresh(row)
    return row


@api_view(context=Enrolment, permission=Permission.READ, out=EnrolmentOut)
def enrolment(context: Enrolment, request: Request) -> Any:
    """How far one has come."""
    return context.row


@api_view(context=Enrolment, method="POST", name="stop", permission=Permission.PUBLISH, out=EnrolmentOut)
def stop_enrolment(context: Enrolment, request: Request) -> Any:
    """Let no more in; who is in stays in."""
    return request.services(EnrolmentService).stop(context.row)
