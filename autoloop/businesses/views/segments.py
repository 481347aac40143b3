"""The JSON door of segments."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.businesses import models
from autoloop.businesses.resources import Segment, SegmentContact, SegmentContacts, Segments
from autoloop.businesses.schemas import segments as schemas
from autoloop.businesses.services.segments import Segments as SegmentService
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission

__all__ = ["member_page", "segment_page"]

TABLE = models.Segment
ORDERS = {"name": TABLE.name, "created_at": TABLE.id, "member_count": TABLE.member_count}
LISTED = tuple(child.name for child in schemas.SegmentRowOut().children)


def segment_page(request: Request, filters: dict[str, Any]) -> Page:
    """One page of segments, for both doors."""
    rows = request.services(SegmentService).rows()
    if filters["status"]:
        rows = rows.where(TABLE.status == filters["status"])
    if filters["q"]:
        rows = rows.where(TABLE.name.icontains(filters["q"], autoescape=True))
    rows = rows.with_only_columns(*(getattr(TABLE, name) for name in LISTED))
    return fetch_page(
        request.db, rows, order_of(filters["sort"], ORDERS, default="name"), TABLE.id, filters, count=True
    )


def member_page(request: Request, segment: models.Segment, filters: dict[str, Any]) -> Page:
    """One page of a segment's members, for both doors."""
    contact = models.Contact
    orders = {"created_at": contact.id, "email": contact.email_normal, "name": contact.last_name}
    rows = request.services(SegmentService).members(segment)
    order = order_of(filters["sort"], orders, default="-created_at")
    return fetch_page(request.db, rows, order, contact.id, filters, count=True)


@api_view(
    context=Segments,
    permission=Permission.READ,
    query=schemas.SegmentQuery,
    out=schemas.SegmentRowOut,
    many=True,
)
def segments(context: Segments, request: Request) -> Page:
    """Segments; sort by name, created_at or member_count."""
    return segment_page(request, request.filters)


@api_view(
    context=Segments,
    method="POST",
    permission=Permission.EDIT,
    body=schemas.SegmentIn,
    out=schemas.SegmentOut,
)
def create_segment(context: Segments, request: Request) -> Any:
    """Make a segment. Its members are there within seconds."""
    return request.services(SegmentService).create(request.validated)


@api_view(
    context=Segments,
    method="POST",
    name="count",
    permission=Permission.READ,
    body=schemas.ConditionIn,
    out=schemas.CountOut,
)
def count_segment(context: Segments, request: Request) -> Any:
    """How many contacts match a condition now, and five of them. Nothing is saved."""
    return request.services(SegmentService).count(request.validated["condition"])


@api_view(context=Segment, permission=Permission.READ, out=schemas.SegmentOut)
def segment(context: Segment, request: Request) -> Any:
    """One segment."""
    return context.row


@api_view(
    context=Segment,
    method="PATCH",
    permission=Permission.EDIT,
    body=schemas.SegmentPatch,
    out=schemas.SegmentOut,
)
def change_segment(context: Segment, request: Request) -> Any:
    """Change a segment. A new condition is built anew."""
    return request.services(SegmentService).change(context.row, request.validated)


@api_view(context=Segment, method="DELETE", permission=Permission.EDIT)
def delete_segment(context: Segment, request: Request) -> None:
    """Remove a segment. Nobody is told to have left it."""
    request.services(SegmentService).delete(context.row)


@api_view(context=SegmentContacts, permission=Permission.READ, out=schemas.MemberOut, many=True)
def members(context: SegmentContacts, request: Request) -> Page:
    """Members of a segment; sort by created_at, email or name."""
    return member_page(request, context.__parent__.row, request.filters)


@api_view(context=SegmentContact, name="why", permission=Permission.READ, out=schemas.WhyOut)
def why(context: SegmentContact, request: Request) -> Any:
    """Why a contact matches the segment, or why not: each question that decided, with what was found."""
    return request.services(SegmentService).why(context.segment, context.row)
