"""The HTML door of segments."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.businesses.pages.forms import REFUSALS, confirmed, may, refuse
from autoloop.businesses.questions import sentences
from autoloop.businesses.resources import Segment, SegmentContact, Segments
from autoloop.businesses.schemas.segments import SegmentPatch, SegmentQuery
from autoloop.businesses.services.segments import Segments as SegmentService
from autoloop.businesses.views.segments import member_page, segment_page
from autoloop.web import page
from autoloop.web.input import ListQuery, checked, read_query
from autoloop.web.permissions import Permission
from autoloop.web.widgets import Form
from autoloop.web.widgets.trees import tree_of

TEMPLATES = "autoloop.businesses:templates/"
FORM = TEMPLATES + "segment_form.jinja2"
FIRST = {"all": [{"field": "contact.tags", "op": "has", "value": ""}]}
ASKED = {
    "type": "object",
    "properties": {
        "condition": {
            "type": "object",
            "title": _("A contact belongs to it if"),
            "x-ui": {"widget": "condition"},
        }
    },
    "required": ["condition"],
}


@page(context=Segments, permission=Permission.READ, template=TEMPLATES + "segments.jinja2")
def segments(context: Segments, request: Request) -> dict[str, Any]:
    filters = read_query(request, SegmentQuery(), many=True)
    return {"page": segment_page(request, filters), "filters": filters, "may": may(request, Permission.EDIT)}


@page(context=Segments, name="new", permission=Permission.EDIT, template=FORM)
def new_segment(context: Segments, request: Request) -> dict[str, Any]:
    return _form(request, _shown(request, "", "", FIRST), {})


@page(context=Segments, method="POST", permission=Permission.EDIT, template=FORM)
def create_segment(context: Segments, request: Request) -> Any:
    given = _posted(request)
    try:
        if given.act != "save":
            return _counted(request, given)
        row = request.services(SegmentService).create(given.body)
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
    return _form(request, _shown(request, row.name, row.description, row.condition), {}, row)


@page(context=Segment, name="edit", method="POST", permission=Permission.EDIT, template=FORM)
def change_segment(context: Segment, request: Request) -> Any:
    given, row = _posted(request), context.row
    try:
        if given.act != "save":
            return _counted(request, given, row)
        request.services(SegmentService).change(row, given.body)
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


@dataclass(frozen=True)
class Written:
    """The form as it was filled in; `act` is what its button asks for."""

    name: str
    description: str
    announce: bool
    act: str
    form: Form

    @property
    def condition(self) -> Any:
        """The condition. Raises Invalid where it is no JSON or asks nothing."""
        found = self.form.value().get("condition")
        if self.form.broken:
            raise Invalid(details={"condition": list(self.form.broken.values())})
        if found is None:
            raise Invalid(details={"condition": [_("Ask at least one question.")]})
        return found

    @property
    def body(self) -> dict[str, Any]:
        given = {"name": self.name, "description": self.description, "announce": self.announce}
        return checked(SegmentPatch(), given | {"condition": self.condition})


def _asking(request: Request) -> Form:
    return Form(request, ASKED, "asked", room={"of_sets": True})


def _shown(request: Request, name: str, description: str, condition: dict[str, Any]) -> Written:
    return Written(name, description, False, "", _asking(request).fill({"condition": condition}))


def _posted(request: Request) -> Written:
    post, form = request.POST, _asking(request)
    form.tree = tree_of(post.items(), form.root)
    name, description = (str(post.get(key, "")) for key in ("name", "description"))
    return Written(name, description, post.get("announce") == "true", str(post.get("act", "save")), form)


def _counted(request: Request, given: Written, row: Any = None) -> dict[str, Any]:
    """The form again: with another question or group, as JSON, or with how many match now."""
    if given.act not in ("count", "look"):
        given.form.act(given.act)
        return _form(request, given, {}, row)
    given.form.looking = given.act == "look"
    try:
        return _form(request, given, {}, row, request.services(SegmentService).count(given.condition))
    except Invalid:
        if given.act == "count":
            raise
        return _form(request, given, {}, row)  # still being written


def _form(
    request: Request, given: Written, errors: dict[str, list[str]], row: Any = None, counted: Any = None
) -> dict[str, Any]:
    node = request.workspace_node
    given.form.action = (
        request.resource_url(node, "segments", str(row.id), "edit")
        if row
        else request.resource_url(node, "segments")
    )
    given.form.problems = {"condition": " ".join(map(str, errors.get("condition", ())))}
    return {"row": row, "given": given, "errors": errors, "counted": counted}
