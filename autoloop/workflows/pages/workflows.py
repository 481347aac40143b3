"""Pages: the list of workflows, and making one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.accounts.forms import posted
from autoloop.base.errors import Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.engine.models import WORKFLOW_STATUSES
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.input import checked, parse_json
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse
from autoloop.workflows import schemas, services
from autoloop.workflows.picture import draw_small
from autoloop.workflows.picture.boxes import figure
from autoloop.workflows.resources import Workflow, Workflows
from autoloop.workflows.views.workflows import listed

TEMPLATES = "autoloop.workflows:templates/"
LIST = TEMPLATES + "workflows.jinja2"
REFUSALS = (Invalid, Conflict)
MOST_DRAWN, LARGEST = 120, 12_000_000


@page(context=Workflows, permission=Permission.READ, template=LIST)
def list_page(context: Workflows, request: Request, **more: Any) -> dict[str, Any]:
    try:
        given = {key: value for key, value in request.GET.items() if value}
        request.filters = checked(schemas.WorkflowsQuery(), given)
        found = listed(request)
    except Invalid as error:
        request.filters = checked(schemas.WorkflowsQuery(), {})
        found = listed(request)
        more.setdefault("error", refuse(request, error))
    shapes = _shapes(request, [row.id for row in found.rows])
    shown = {
        "rows": found.rows,
        "next": found.next,
        "total": found.total,
        "filters": request.filters,
        "shapes": shapes,
        "statuses": WORKFLOW_STATUSES,
        "may_edit": request.has_permission(Permission.EDIT, context),
        "given": {},
        "error": None,
    }
    return shown | more


def _shapes(request: Request, ids: list[UUID]) -> dict[UUID, Any]:
    """Small pictures of the drafts; none of a graph too large to be told from another at this size."""
    plugins = request.registrations.plugins
    held = request.services(services.Drafts).pictured(ids)
    return {
        id: draw_small(figure(graph, triggers, plugins))
        for id, (graph, triggers) in held.items()
        if not isinstance(graph.get("nodes"), list) or len(graph["nodes"]) <= MOST_DRAWN
    }


@page(context=Workflows, method="POST", permission=Permission.EDIT, template=LIST)
def create(context: Workflows, request: Request) -> Any:
    """Make an empty workflow and go to its draft."""
    given: dict[str, Any] = {}
    try:
        given = posted(request, schemas.NewWorkflow())
        made = request.services(services.Workflows).create(given["name"], description=given["description"])
    except REFUSALS as error:
        return list_page(context, request, given=given, error=refuse(request, error))
    return HTTPSeeOther(request.resource_url(context, str(made.id), "draft"))


@page(context=Workflows, method="POST", name="import", permission=Permission.EDIT, template=LIST)
def bring_in(context: Workflows, request: Request) -> Any:
    """Make a workflow from a document: a file, or text."""
    text = request.POST.get("document", "")
    file = request.POST.get("file")
    try:
        raw = file.file.read(LARGEST + 1) if hasattr(file, "file") else str(text).encode(errors="replace")
        if len(raw) > LARGEST:
            raise Invalid(details={"document": ["A workflow's document has at most 12,000,000 characters."]})
        done = request.services(services.Workflows).imported(parse_json(raw))
    except REFUSALS as error:
        return list_page(context, request, given={"document": text}, error=refuse(request, error))
    say(request, _("Imported as a draft. It starts nothing until you publish it."))
    _say_templates(request, done.templates)
    if done.missing:
        names = ", ".join(
            dict.fromkeys(f"{each['kind']} {each['name'] or each['id']}" for each in done.missing[:10])
        )
        say(request, _("Not found here: ${names}. Choose others in the draft.", mapping={"names": names}))
    return HTTPSeeOther(request.resource_url(context, str(done.workflow.id)))


def _say_templates(request: Request, report: list[dict[str, Any]]) -> None:
    """What became of the templates in a document, a sentence for each kind of end."""
    sentences = {
        "made": _("Templates made: ${names}."),
        "mapped": _("Templates of these names were here, and say the same: ${names}."),
        "mapped_other": _(
            "Templates of these names were here and are used, but say something else: ${names}."
        ),
    }
    for how, sentence in sentences.items():
        names = ", ".join(each["name"] for each in report[:20] if each["how"] == how)
        if names:
            say(request, _(str(sentence), mapping={"names": names}))
    left = [
        f"{each['name']}: {what.removeprefix('file ')}"
        for each in report
        for what in each["left_out"]
        if what != "topic"
    ]
    if left:
        names = ", ".join(left[:20])
        say(
            request, _("Files that did not come along, add them by hand: ${names}.", mapping={"names": names})
        )


@page(context=Workflow, method="POST", name="duplicate", permission=Permission.EDIT)
def duplicate(context: Workflow, request: Request) -> Any:
    made = request.services(services.Workflows).duplicate(context.row.id)
    say(request, _("This is the copy, as a draft."))
    return HTTPSeeOther(request.resource_url(context.__parent__, str(made.id)))


@page(context=Workflow, method="POST", name="remove", permission=Permission.EDIT)
def remove(context: Workflow, request: Request) -> Any:
    name = context.row.name
    request.services(services.Workflows).remove(context.id)
    say(request, _("Removed “${name}”.", mapping={"name": name}))
    return HTTPSeeOther(request.resource_url(context.__parent__))
