"""Page: the draft as a whole: what starts it, its steps in order, its rules, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.engine.graph import parse
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse
from autoloop.workflows import services
from autoloop.workflows.checking import examine_draft
from autoloop.workflows.editing import copied, taken_out
from autoloop.workflows.pages.builder.rooms import in_order, ports_of
from autoloop.workflows.pages.builder.rules import told
from autoloop.workflows.pages.workflow import pictured
from autoloop.workflows.pages.workflows import REFUSALS, TEMPLATES
from autoloop.workflows.picture.boxes import figure
from autoloop.workflows.resources import Draft

BUILDER = TEMPLATES + "builder.jinja2"


@page(context=Draft, permission=Permission.READ, template=BUILDER)
def show(context: Draft, request: Request, error: Told | None = None) -> dict[str, Any]:
    draft, plugins = context.row, request.registrations.plugins
    workflow = request.services(services.Workflows).row(context.id)
    found = examine_draft(request.services, draft.graph, draft.triggers)
    shown = figure(draft.graph, draft.triggers, plugins)
    parsed, _unread = parse(draft.graph)
    here, may_edit = request.resource_url(context), context.may_be_edited
    links = {id: f"{here}step?id={id}" for id in parsed.nodes}
    links |= {f"trigger:{index}": f"{here}trigger?n={index}" for index in range(len(draft.triggers))}
    ways: dict[str, dict[str, list[str]]] = {}
    for edge in parsed.edges:
        ways.setdefault(edge.source, {}).setdefault(edge.port, []).append(edge.target)
    steps = []
    for id in in_order(parsed):
        node = parsed.nodes[id]
        ports = ports_of(plugins.step(node.type), node.config, node.config_version)
        steps.append(
            {
                "box": shown.boxes[id],
                "starts": id == shown.start,
                "ways": [
                    (port, ways.get(id, {}).get(port, []))
                    for port in dict.fromkeys((*ports, *ways.get(id, {})))
                ],
                "problems": [problem for problem in found if problem.node == id],
            }
        )
    return {
        "workflow": workflow,
        "workflow_url": request.resource_url(context.__parent__),
        "draft": draft,
        "steps": steps,
        "titles": {id: box.title for id, box in shown.boxes.items()},
        "triggers": [(n, shown.boxes[f"trigger:{n}"]) for n in range(len(draft.triggers))],
        "rules": told(parsed.settings, request.localizer.translate),
        "problems": [problem for problem in found if problem.severity == "error"],
        "warnings": [problem for problem in found if problem.severity == "warning" and not problem.node],
        "picture": pictured(request, shown, workflow.name, problems=found, links=links if may_edit else None)
        if workflow
        else "",
        "error": error,
        "may_edit": may_edit,
        "may_publish": request.has_permission(Permission.PUBLISH, context),
    }


@page(context=Draft, name="change", method="POST", permission=Permission.EDIT, template=BUILDER)
def change(context: Draft, request: Request) -> Any:
    """Take a step or trigger out, or put another like it in."""
    drafts = request.services(services.Drafts)
    row = drafts.of(context.id, lock=True)
    act, id = str(request.POST.get("act", "")), str(request.POST.get("id", ""))
    anchor = "steps"
    try:
        if act == "remove-step":
            drafts.save(context.id, taken_out(row.graph, id))
            say(request, _("The step is out. What led to it leads to what came after it."))
        elif act == "copy-step":
            graph, id = copied(row.graph, id)
            drafts.save(context.id, graph)
            anchor = f"step-{id}"
        elif act == "remove-trigger":
            left = [each for index, each in enumerate(row.triggers) if str(index) != id]
            drafts.save(context.id, row.graph, left)
        else:
            raise Invalid(details={"act": [_("This cannot be done here.")]})
    except REFUSALS as error:
        return show(context, request, refuse(request, error))
    return HTTPSeeOther(request.resource_url(context, anchor=anchor))


def problems_of(found: Any, node: str | None, prefix: str) -> Mapping[str, str]:
    """Problems of one step or trigger by the place in its settings."""
    told_of: dict[str, str] = {}
    for problem in found:
        if (
            problem.severity == "error"
            and problem.node == node
            and problem.field
            and (problem.field + ".").startswith(prefix)
        ):
            told_of.setdefault(problem.field[len(prefix) :], problem.message)
    return told_of
