"""Pages: one workflow, its picture, what can be done with it; its versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select

from autoloop.base.errors import Invalid, NotFound, PreconditionFailed
from autoloop.base.i18n import _
from autoloop.engine.graph import Problem
from autoloop.engine.models import BulkJob, EnrolmentRow
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse
from autoloop.workflows import services
from autoloop.workflows.held_mail import held_mail
from autoloop.workflows.pages.workflows import REFUSALS, TEMPLATES
from autoloop.workflows.picture import draw
from autoloop.workflows.picture.boxes import Figure, figure
from autoloop.workflows.resources import Versions, Workflow

SHOW = TEMPLATES + "workflow.jinja2"
VERSIONS_SHOWN = 10


@page(context=Workflow, permission=Permission.READ, template=SHOW)
def show(context: Workflow, request: Request, error: Told | None = None, **more: Any) -> dict[str, Any]:
    """What is live, with who stands where; a workflow that was never published shows its draft."""
    workflow = request.services(services.Workflows).row(context.id)
    if workflow is None:
        raise NotFound
    versions = request.services(services.Versions)
    draft = request.services(services.Drafts).of(context.id)
    live = versions.numbered(context.id, workflow.version) if workflow.version else None
    triggers = versions.triggers(context.id)
    stats = request.services(services.Figures).of(context.id)
    plugins = request.registrations.plugins
    if live is not None:
        started_by = [{"type": row.type, "config": row.config} for row in triggers]
        shown = figure(live.graph, started_by, plugins)
    else:
        shown = figure(draft.graph, draft.triggers, plugins)
    problems = request.services(services.Drafts).problems(draft) if workflow.has_changes else []
    history = request.db.execute(
        versions.of(context.id).order_by(versions.newest).limit(VERSIONS_SHOWN)
    ).all()
    return {
        "workflow": workflow,
        "live": live,
        "draft": draft,
        "stats": stats,
        "held": held_mail(request.services, live.graph) if live is not None else [],
        "problems": problems,
        "picture": pictured(request, shown, workflow.name, stats),
        "steps": outlined(shown, stats),
        "triggers": [box for box in shown.boxes.values() if box.family == "trigger"],
        "versions": history,
        "next_version": _next_version(draft, history),
        "entering": request.db.scalars(_going(request, EnrolmentRow, context.id)).all(),
        "acting": request.db.scalars(_going(request, BulkJob, context.id)).all(),
        "error": error,
        "may_edit": request.has_permission(Permission.EDIT, context),
        "may_publish": request.has_permission(Permission.PUBLISH, context),
    } | more


def _next_version(draft: Any, history: Sequence[Any]) -> int:
    """What publishing would make of the draft: an unchanged one is the version that is there."""
    newest: int = history[0].number if history else 0
    return newest if draft.published_revision == draft.revision else newest + 1


def _going(request: Request, table: Any, workflow: Any) -> Any:
    """Large starts and acts on many runs that are under way in the workflow."""
    mine = (table.workspace_id == request.services.workspace_id, table.workflow_id == workflow)
    return select(table).where(*mine, table.status == "going").order_by(table.created_at).limit(5)


def pictured(
    request: Request,
    shown: Figure,
    name: str,
    stats: dict[str, Any] | None = None,
    problems: list[Any] | None = None,
    links: Mapping[str, str] | None = None,
) -> Any:
    """The large picture, with how many stand at each step."""
    nodes = (stats or {}).get("nodes", {})
    counts = {
        node: request.localizer.translate(_("${count} here", mapping={"count": f"{each['here']:,}"}))
        for node, each in nodes.items()
        if each["here"]
    }
    label = request.localizer.translate(_("Picture of the workflow ${name}", mapping={"name": name}))
    left = {node: each["left"] for node, each in nodes.items()}
    marked = [problem.node for problem in problems or () if problem.severity == "error"]
    return draw(shown, label=label, counts=counts, left=left, problems=marked, links=links)


def outlined(
    shown: Figure, stats: dict[str, Any] | None = None, problems: Sequence[Problem] = ()
) -> list[dict[str, Any]]:
    """The same graph as lines of a table: each step, where its ports lead, who is there."""
    nodes = (stats or {}).get("nodes", {})
    lines = []
    for box in shown.boxes.values():
        if box.family == "trigger":
            continue
        figures = nodes.get(box.id, {"here": 0, "left": {}})
        targets: dict[str, list[str]] = {}
        for arrow in shown.arrows:
            if arrow.source == box.id:
                targets.setdefault(arrow.port, []).append(arrow.target)
        ways: dict[str, list[tuple[str, int]]] = {}  # ports that lead to the same place, with their counts
        for port in dict.fromkeys((*box.ports, *targets, *figures["left"])):
            place = ", ".join(targets.get(port, []))
            ways.setdefault(place, []).append((port, figures["left"].get(port, 0)))
        lines.append(
            {
                "box": box,
                "here": figures["here"],
                "ways": list(ways.items()),
                "starts": box.id == shown.start,
                "problems": [problem for problem in problems if problem.node == box.id],
            }
        )
    return lines


DONE = {
    "pause": _("Paused. Every contact stays where it is."),
    "resume": _("Live again. Waits that ended meanwhile end now."),
    "archive": _("Archived. Its runs are being ended."),
    "restore": _("Restored as a draft. Publish it to make it live."),
}


def _act(context: Workflow, request: Request, verb: str) -> Any:
    life = request.services(services.Life)
    try:
        getattr(life, verb)(context.id)
    except REFUSALS as error:
        return show(context, request, refuse(request, error))
    say(request, DONE[verb])
    return HTTPSeeOther(request.resource_url(context))


@page(context=Workflow, method="POST", name="publish", permission=Permission.PUBLISH, template=SHOW)
def publish(context: Workflow, request: Request) -> Any:
    """Publish what the person looked at: refused if the draft was saved since the page was shown."""
    note = str(request.POST.get("note", ""))[:2000].replace("\x00", "")
    seen = str(request.POST.get("revision", ""))
    revision = int(seen) if seen.isdecimal() and len(seen) <= 9 else None
    try:
        version = request.services(services.Life).publish(context.row.id, note=note, seen=revision)
    except (*REFUSALS, PreconditionFailed) as error:
        return show(context, request, refuse(request, error))
    say(request, _("Version ${number} is published.", mapping={"number": version.number}))
    return HTTPSeeOther(request.resource_url(context))


@page(context=Workflow, method="POST", name="pause", permission=Permission.PUBLISH, template=SHOW)
def pause(context: Workflow, request: Request) -> Any:
    return _act(context, request, "pause")


@page(context=Workflow, method="POST", name="resume", permission=Permission.PUBLISH, template=SHOW)
def resume(context: Workflow, request: Request) -> Any:
    return _act(context, request, "resume")


@page(context=Workflow, method="POST", name="archive", permission=Permission.PUBLISH, template=SHOW)
def archive(context: Workflow, request: Request) -> Any:
    """Asks for the workflow's name: it ends every run."""
    if str(request.POST.get("confirm", "")).strip() != context.row.name.strip():
        error = Invalid(
            _("Nothing was archived."), details={"confirm": [_("Type the workflow's name to archive it.")]}
        )
        return show(context, request, refuse(request, error))
    return _act(context, request, "archive")


@page(context=Workflow, method="POST", name="restore", permission=Permission.PUBLISH, template=SHOW)
def restore(context: Workflow, request: Request) -> Any:
    return _act(context, request, "restore")


@page(context=Workflow, name="export", permission=Permission.READ)
def export(context: Workflow, request: Request) -> Response:
    """The document as a file."""
    held = request.services(services.Workflows).exported(context.row.id)
    response = Response(orjson.dumps(held, option=orjson.OPT_INDENT_2), content_type="application/json")
    response.content_disposition = f'attachment; filename="workflow-{context.id}.json"'
    return response


@page(context=Versions, permission=Permission.READ)
def versions(context: Versions, request: Request) -> Any:
    return HTTPSeeOther(request.resource_url(context.__parent__, anchor="versions"))
