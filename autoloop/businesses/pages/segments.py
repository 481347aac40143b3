"""The HTML door of segments."""

from __future__ import annotations

import json
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.businesses.pages.conditions import builder, posted_condition, posted_rows, rows_of, sentences
from autoloop.businesses.pages.forms import REFUSALS, confirmed, may, refuse
from autoloop.businesses.resources import Segment, SegmentContact, Segments
from autoloop.businesses.schemas.segments import SegmentPatch, SegmentQuery
from autoloop.businesses.services.segments import Segments as SegmentService
from autoloop.businesses.views.segments import member_page, segment_page
from autoloop.web import page
from autoloop.web.input import ListQuery, checked, read_query
from autoloop.web.permissions import Permission

TEMPLATES = "autoloop.businesses:templates/"
FORM = TEMPLATES + "segment_form.jinja2"
FIRST = {"field": "contact.tags", "op": "has", "value": "", "days": ""}
BLANK = {"field": "", "op": "is", "value": "", "days": ""}


@page(context=Segments, permission=Permission.READ, template=TEMPLATES + "segments.jinja2")
def segments(context: Segments, request: Request) -> dict[str, Any]:
    filters = read_query(request, SegmentQuery(), many=True)
    return {"page": segment_page(request, filters), "filters": filters, "may": may(request, Permission.EDIT)}


@page(context=Segments, name="new", permission=Permission.EDIT, template=FORM)
def new_segment(context: Segments, request: Request) -> dict[str, Any]:
    return _form(request, {"name": "", "description": "", "group": "all", "rows": [FIRST]}, {})


@page(context=Segments, method="POST", permission=Permission.EDIT, template=FORM)
def create_segment(context: Segments, request: Request) -> Any:
    given = _posted(request)
    try:
        if given["act"] != "save":
            return _counted(request, given)
        row = request.services(SegmentService).create(_body(request, given))
    except REFUSALS as error:
        return _form(request, given, refuse(request, error))
    return HTTPSeeOther(request.resource_url(context, str(row.id), ""))


@page(context=Segment, permission=Permission.READ, template=TEMPLATES + "segment.jinja2")
def segment(context: Segment, request: Request) -> dict[str, Any]:
    filters = read_query(request, ListQuery(), many=True)
    row = context.row
    return {
        "row": row,
        "page": member_page(request, row, filters),
        "sentences": sentences(row.condition),
        "written": json.dumps(row.condition, indent=2, ensure_ascii=False),
        "may": may(request, Permission.EDIT),
    }


@page(context=Segment, name="edit", permission=Permission.EDIT, template=FORM)
def edit_segment(context: Segment, request: Request) -> dict[str, Any]:
    row = context.row
    shown = {"name": row.name, "description": row.description}
    return _form(request, shown | _shown(row.condition), {}, row)


@page(context=Segment, name="edit", method="POST", permission=Permission.EDIT, template=FORM)
def change_segment(context: Segment, request: Request) -> Any:
    given, row = _posted(request), context.row
    try:
        if given["act"] != "save":
            return _counted(request, given, row)
        request.services(SegmentService).change(row, _body(request, given))
    except REFUSALS as error:
        return _form(request, given, refuse(request, error), row)
    return HTTPSeeOther(request.resource_url(context))


@page(context=Segment, name="delete", method="POST", permission=Permission.EDIT)
def delete_segment(context: Segment, request: Request) -> Any:
    confirmed(request, context.row.name)
    request.services(SegmentService).delete(context.row)
    return HTTPSeeOther(request.resource_url(context.__parent__))


@page(
    context=SegmentContact, name="why", permission=Permission.READ, template=TEMPLATES + "segment_why.jinja2"
)
def why(context: SegmentContact, request: Request) -> dict[str, Any]:
    contact = context.row
    name = f"{contact.first_name} {contact.last_name}".strip() or contact.email or str(contact.id)
    found = request.services(SegmentService).why(context.segment, contact)
    return {"segment": context.segment, "contact": contact, "name": name, "why": found}


def _shown(spec: dict[str, Any]) -> dict[str, Any]:
    rows = rows_of(spec)
    written = json.dumps(spec, indent=2, ensure_ascii=False)
    if rows is None:
        return {"mode": "json", "json": written, "group": "all", "rows": []}
    return {"mode": "rows", "json": written, "group": rows[0], "rows": rows[1]}


def _posted(request: Request) -> dict[str, Any]:
    """The form as it was written."""
    texts = {
        name: str(request.POST.get(name, "")) for name in ("name", "description", "mode", "json", "group")
    }
    act = request.POST.get("act", "save")
    return texts | {
        "act": act,
        "rows": posted_rows(request.POST),
        "announce": request.POST.get("announce") == "true",
    }


def _body(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    body = {name: given[name] for name in ("name", "description", "announce")}
    return checked(SegmentPatch(), body | {"condition": posted_condition(request)})


def _counted(request: Request, given: dict[str, Any], row: Any = None) -> dict[str, Any]:
    """The form again: with another row, as JSON, or with how many match now."""
    if given["act"] == "add":
        return _form(request, given | {"rows": [*given["rows"], BLANK]}, {}, row)
    condition = posted_condition(request)
    if given["act"] == "json":
        return _form(request, given | _shown(condition) | {"mode": "json"}, {}, row)
    return _form(request, given, {}, row, request.services(SegmentService).count(condition))


def _form(
    request: Request,
    given: dict[str, Any],
    errors: dict[str, list[str]],
    row: Any = None,
    counted: Any = None,
) -> dict[str, Any]:
    return {"row": row, "given": given, "errors": errors, "counted": counted, **builder(request)}
