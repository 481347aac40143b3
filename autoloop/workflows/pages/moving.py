"""Pages: take runs to this version, after a look at who would go where."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.engine.models import BulkJob
from autoloop.engine.services.bulk import Bulk
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse
from autoloop.workflows import services
from autoloop.workflows.pages.workflows import REFUSALS, TEMPLATES
from autoloop.workflows.resources import Version
from autoloop.workflows.services.moving import REASONS

MOVE = TEMPLATES + "move.jinja2"
STAY = "-"


@page(context=Version, name="move", permission=Permission.PUBLISH, template=MOVE)
def show(context: Version, request: Request, **more: Any) -> dict[str, Any]:
    """A select for each step that runs may stand at, and who would go where as they are set."""
    versions = context.__parent__
    workflow_id = versions.workflow_id  # type: ignore[union-attr]
    moving, number = request.services(services.Moving), context.row.number
    numbers = [
        row.number
        for row in request.db.execute(request.services(services.Versions).of(workflow_id))
        if row.number != number
    ]
    given = request.POST if request.method == "POST" else request.GET
    source, nodes = _asked(given, numbers)
    steps = moving.steps(workflow_id, source, number)
    nodes = {id: target for id, target in nodes.items() if id in steps}
    titles = {name: step.title for name, step in request.registrations.plugins.steps.items()}
    shown: dict[str, Any] = {
        "workflow": request.services(services.Workflows).row(workflow_id),
        "workflow_url": request.resource_url(versions.__parent__),  # type: ignore[union-attr]
        "version": context.row,
        "sources": [("", _("all other versions")), *((str(each), str(each)) for each in sorted(numbers))],
        "source": source,
        "standing": list(steps.items()),
        "targets": [(node["id"], node["type"]) for node in context.row.graph["nodes"]],
        "chosen": nodes,
        "titles": titles,
        "reasons": REASONS,
        "job": _under_way(request, workflow_id),
        "error": None,
        "plan": None,
    }
    try:
        plan = shown["plan"] = moving.plan(workflow_id, number, source, nodes)
        held = {each["node"] for each in (*plan["places"], *plan["left"])}
        shown["standing"].sort(key=lambda step: step[0] not in held)  # those with runs first
    except REFUSALS as error:
        shown["error"] = refuse(request, error)
    return shown | more


@page(context=Version, name="move", method="POST", permission=Permission.PUBLISH, template=MOVE)
def move(context: Version, request: Request) -> Any:
    """Begin to move them; the act goes on by itself, and the page tells how far it is."""
    versions = context.__parent__
    workflow_id = versions.workflow_id  # type: ignore[union-attr]
    source, nodes = _asked(request.POST, None)
    try:
        job = request.services(services.Moving).move(workflow_id, context.row.number, source, nodes)
    except REFUSALS as error:
        return show(context, request, error=refuse(request, error))
    say(request, _("${count} runs are being moved.", mapping={"count": f"{job.total:,}"}))
    return HTTPSeeOther(request.resource_url(context, "move", query={"job": str(job.id)}))


def _under_way(request: Request, workflow_id: UUID) -> BulkJob | None:
    """The act that was begun here a moment ago."""
    id = parse_id(request.GET.get("job", ""))
    job = request.services(Bulk).find(id) if id is not None else None
    return job if job is not None and (job.workflow_id, job.verb) == (workflow_id, "move") else None


def _asked(given: Any, numbers: list[int] | None) -> tuple[int | None, dict[str, str | None]]:
    """Which version they come from, and the map, as the form says them."""
    text = str(given.get("from", ""))
    source = int(text) if text.isdecimal() and len(text) < 10 else None
    if numbers is not None and source not in numbers:
        source = None
    nodes: dict[str, str | None] = {}
    for key, value in given.items():
        if key.startswith("map.") and value:
            nodes[key.removeprefix("map.")] = None if value == STAY else str(value)
    return source, nodes
