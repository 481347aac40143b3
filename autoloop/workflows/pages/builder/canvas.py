"""Page: the draft as a canvas. What its script draws comes as JSON, and what is drawn is saved as JSON."""

from __future__ import annotations

from typing import Any

from pyramid.csrf import get_csrf_token
from pyramid.request import Request
from pyramid.response import Response

from autoloop.base.errors import NotFound
from autoloop.engine.graph import parse
from autoloop.engine.step_names import step_names
from autoloop.plugins.registry import Registry
from autoloop.web import page
from autoloop.web.answers import check_preconditions, json_response
from autoloop.web.input import read_body
from autoloop.web.permissions import Permission
from autoloop.web.refusals import told
from autoloop.workflows import schemas, services
from autoloop.workflows.catalogue import step_types, trigger_types
from autoloop.workflows.checking import examine_draft
from autoloop.workflows.pages.builder.canvas_words import spoken
from autoloop.workflows.pages.builder.rooms import ports_of
from autoloop.workflows.pages.builder.steps import SHELVES
from autoloop.workflows.pages.workflows import REFUSALS, TEMPLATES
from autoloop.workflows.picture.boxes import figure
from autoloop.workflows.resources import Draft, draft_tag

CANVAS = TEMPLATES + "canvas.jinja2"
TRIGGER_ICON = "zap"


@page(context=Draft, name="canvas", permission=Permission.READ, template=CANVAS)
def canvas(context: Draft, request: Request) -> dict[str, Any]:
    """The page around the canvas. Without scripts it leads to the outline, which can do everything."""
    workflow = request.services(services.Workflows).row(context.id)
    if workflow is None:
        raise NotFound
    here, flow = request.resource_url(context), request.resource_url(context.__parent__)
    return {
        "workflow": workflow,
        "workflow_url": flow,
        "draft": context.row,
        "may_edit": context.may_be_edited,
        "island": {
            "drawn": drawn(context, request, context.row),
            "types": _types(request),
            "words": spoken(request.localizer.translate),
            "links": {name: f"{here}{name}" for name in ("drawn", "step", "trigger", "rules")}
            | {"outline": here, "publish": f"{flow}publish"},
            "icons": request.registry.assets.url("icons.svg"),
            "title": workflow.name,
            "may_edit": context.may_be_edited,
            "may_publish": request.has_permission(Permission.PUBLISH, context)
            and workflow.status != "archived",
        },
    }


@page(context=Draft, name="drawn", permission=Permission.READ)
def show_drawn(context: Draft, request: Request) -> Response:
    """The draft as it is now, in the words of the canvas."""
    return json_response(drawn(context, request, context.row))


@page(context=Draft, name="drawn", method="PUT", permission=Permission.EDIT)
def save_drawn(context: Draft, request: Request) -> Response:
    """Save {"graph", "triggers"} and say what became of it. With If-Match: 412 if somebody saved meanwhile."""
    try:
        check_preconditions(context, request)
        seen = context.row.revision if "If-Match" in request.headers else None
        given = read_body(request, schemas.DraftIn())
        saved = request.services(services.Drafts).save(context.id, **given, seen=seen)
    except REFUSALS as error:
        said = told(request, error)
        return json_response({"error": said.message, "details": said.details}, said.status)
    return json_response(drawn(context, request, saved))


def drawn(context: Draft, request: Request, draft: Any) -> dict[str, Any]:
    """The draft with all that the server knows of it.

    {"etag", "revision", "changed", "csrf", "graph", "triggers", "steps": {id: {title, line, family, icon,
    ports, lost, problems, here, left}}, "starts": [{title, line, lost, problems}], "problems": [...]};
    `here` and `left` are counts of the live version, `problems` those without a step of their own.
    """
    plugins: Registry = request.registrations.plugins
    workflow = request.services(services.Workflows).row(context.id)
    shown = figure(draft.graph, draft.triggers, plugins)
    parsed, _unread = parse(draft.graph)
    found = [each.as_dict() for each in examine_draft(request.services, draft.graph, draft.triggers)]
    live = workflow is not None and workflow.version
    counts = request.services(services.Figures).of(context.id)["nodes"] if live else {}
    names = step_names(draft.graph, plugins)
    steps = {}
    for id, node in parsed.nodes.items():
        box = shown.boxes[id]
        steps[id] = {
            "title": str(box.title),
            "line": "" if box.line == box.title else str(box.line),
            "family": box.family,
            "icon": names[id].icon,
            "ports": list(ports_of(plugins.step(node.type), node.config, node.config_version)),
            "lost": box.lost,
            "problems": [each for each in found if each["node"] == id],
        } | counts.get(id, {"here": 0, "left": {}})
    return {
        "etag": draft_tag(draft),
        "revision": draft.revision,
        "changed": workflow is not None and workflow.has_changes,
        "csrf": get_csrf_token(request),
        "graph": draft.graph,
        "triggers": draft.triggers,
        "steps": steps,
        "starts": [_start(shown.boxes[f"trigger:{n}"], n, found) for n in range(len(draft.triggers))],
        "problems": [each for each in found if each["node"] not in steps],
    }


def _start(box: Any, n: int, found: list[dict[str, Any]]) -> dict[str, Any]:
    mine = f"triggers.{n}."
    problems = [each for each in found if f"{each['field'] or ''}.".startswith(mine)]
    return {"title": str(box.title), "line": str(box.line), "lost": box.lost, "problems": problems}


def _types(request: Request) -> dict[str, list[dict[str, Any]]]:
    """What the palette offers: steps by shelf, and triggers."""
    plugins, translate = request.registrations.plugins, request.localizer.translate
    steps = list(step_types(plugins))
    every = {"nodes": [{"id": each["name"], "type": each["name"]} for each in steps]}
    icons = step_names(every, plugins)
    made = []
    for each in sorted(steps, key=lambda one: str(one["title"])):
        category = "plugin" if each["family"] == "plugin" else str(each["category"])
        shelf = {"messages": "message"}.get(category, category)
        made.append(
            _offered(each, translate)
            | {
                "family": each["family"],
                "icon": icons[each["name"]].icon if each["name"] in icons else "activity",
                "ports": each["ports"],
                "shelf": shelf,
                "shelf_title": translate(SHELVES.get(shelf, shelf)),
            }
        )
    order = list(SHELVES)
    made.sort(key=lambda one: order.index(one["shelf"]) if one["shelf"] in order else len(order))
    triggers = sorted(trigger_types(plugins), key=lambda one: str(one["title"]))
    return {
        "steps": made,
        "triggers": [
            _offered(each, translate) | {"icon": TRIGGER_ICON, "form": bool(each["form"].get("properties"))}
            for each in triggers
        ],
    }


def _offered(each: dict[str, Any], translate: Any) -> dict[str, Any]:
    from_plugin = "" if each["distribution"] == "autoloop" else each["distribution"]
    return {
        "name": each["name"],
        "title": translate(each["title"]),
        "hint": translate(each["hint"]).replace("`", ""),
        "plugin": from_plugin,
    }
