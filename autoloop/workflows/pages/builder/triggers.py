"""Pages: one trigger with its form; and the list of trigger types."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.errors import Invalid, NotFound, PreconditionFailed
from autoloop.base.i18n import _
from autoloop.plugins.forms import json_schema, schema_of
from autoloop.web import page
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse
from autoloop.web.widgets import Form
from autoloop.web.widgets.trees import tree_of
from autoloop.workflows import services
from autoloop.workflows.catalogue import trigger_types
from autoloop.workflows.checking import examine_draft
from autoloop.workflows.pages.builder.overview import problems_of
from autoloop.workflows.pages.builder.rooms import mark_of, room_of
from autoloop.workflows.pages.builder.steps import NOTHING
from autoloop.workflows.pages.workflows import REFUSALS, TEMPLATES
from autoloop.workflows.resources import Draft

TRIGGER, START = TEMPLATES + "trigger.jinja2", TEMPLATES + "add_trigger.jinja2"


@page(context=Draft, name="trigger", permission=Permission.EDIT, template=TRIGGER)
def show_trigger(context: Draft, request: Request) -> dict[str, Any]:
    n, given = _trigger(context, str(request.GET.get("n", "")))
    form = _form(context, request, given)
    form.looking = not given.get("config")
    return _shown(context, request, n, given, form)


@page(context=Draft, name="trigger", method="POST", permission=Permission.EDIT, template=TRIGGER)
def save_trigger(context: Draft, request: Request) -> Any:
    """Save it, or show how the form looks as it is filled in now."""
    drafts = request.services(services.Drafts)
    drafts.of(context.id, lock=True)
    n, given = _trigger(context, str(request.POST.get("n", "")))
    form = _form(context, request, given)
    form.tree = tree_of(request.POST.items(), form.root)
    act = str(request.POST.get("act", "save"))
    if act != "save":
        form.looking = True
        form.act(act)
        return _shown(context, request, n, given, form) | {"seen": str(request.POST.get("seen", ""))}
    trigger = request.registrations.plugins.trigger(str(given.get("type")))
    made = {"type": given["type"], "config": form.value()}
    if trigger is not None:
        made["config_version"] = trigger.config_version
    try:
        if form.broken:
            raise Invalid(details={name: [text] for name, text in form.broken.items()})
        if str(request.POST.get("seen", "")) != mark_of(given):
            raise PreconditionFailed(
                _(
                    "Somebody changed this trigger meanwhile. What you wrote is below: save again to replace theirs."
                )
            )
        rows = [made if index == n else each for index, each in enumerate(context.row.triggers)]
        drafts.save(context.id, context.row.graph, rows)
    except (*REFUSALS, PreconditionFailed) as error:
        return _shown(context, request, n, given, form, refuse(request, error))
    if _problems(context, request, n, made):
        return HTTPSeeOther(request.resource_url(context, "trigger", query={"n": str(n)}))
    return HTTPSeeOther(request.resource_url(context))


@page(context=Draft, name="add-trigger", permission=Permission.EDIT, template=START)
def choose_trigger(context: Draft, request: Request, error: Told | None = None) -> dict[str, Any]:
    return {
        "workflow": request.services(services.Workflows).row(context.id),
        "workflow_url": request.resource_url(context.__parent__),
        "draft_url": request.resource_url(context),
        "types": sorted(trigger_types(request.registrations.plugins), key=lambda each: each["title"]),
        "error": error,
    }


@page(context=Draft, name="add-trigger", method="POST", permission=Permission.EDIT, template=START)
def add_trigger(context: Draft, request: Request) -> Any:
    """Put a trigger in; go to its form if it has one."""
    drafts = request.services(services.Drafts)
    trigger = request.registrations.plugins.trigger(str(request.POST.get("type", "")))
    try:
        if trigger is None:
            raise Invalid(details={"type": [_("There is no such trigger here.")]})
        row = drafts.of(context.id, lock=True)
        drafts.save(context.id, row.graph, [*row.triggers, {"type": trigger.name, "config": {}}])
    except REFUSALS as error:
        return choose_trigger(context, request, refuse(request, error))
    if not schema_of(trigger).children:
        return HTTPSeeOther(request.resource_url(context))
    return HTTPSeeOther(request.resource_url(context, "trigger", query={"n": str(len(row.triggers) - 1)}))


def _trigger(context: Draft, text: str) -> tuple[int, dict[str, Any]]:
    rows = context.row.triggers
    n = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else len(rows)
    if n >= len(rows) or not isinstance(rows[n], dict):
        raise NotFound
    return n, rows[n]


def _form(context: Draft, request: Request, given: dict[str, Any]) -> Form:
    trigger = request.registrations.plugins.trigger(str(given.get("type")))
    schema = json_schema(schema_of(trigger)) if trigger else NOTHING
    room = room_of(request, context.__parent__, {})  # type: ignore[arg-type]
    room["names"], room["paths"] = [], ["event.name"]
    form = Form(request, schema, action=request.resource_url(context, "trigger"), room=room)
    return form.fill(given.get("config") or {})


def _problems(context: Draft, request: Request, n: int, made: dict[str, Any]) -> Any:
    rows = [made if index == n else each for index, each in enumerate(context.row.triggers)]
    found = examine_draft(request.services, context.row.graph, rows)
    return problems_of(found, None, f"triggers.{n}.config.")


def _shown(
    context: Draft,
    request: Request,
    n: int,
    given: dict[str, Any],
    form: Form,
    error: Told | None = None,
) -> dict[str, Any]:
    form.problems = _problems(context, request, n, {**given, "config": form.value()})
    return {
        "workflow": request.services(services.Workflows).row(context.id),
        "workflow_url": request.resource_url(context.__parent__),
        "draft_url": request.resource_url(context),
        "n": n,
        "trigger": request.registrations.plugins.trigger(str(given.get("type"))),
        "kind": str(given.get("type")),
        "seen": mark_of(given),
        "form": form,
        "error": error,
    }
