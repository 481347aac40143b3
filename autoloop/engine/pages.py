"""Pages of runs: a list that keeps itself current, and one run with every step and its reason."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.errors import Conflict
from autoloop.base.i18n import _
from autoloop.engine.models import RUN_STATUSES
from autoloop.engine.resources import Run, Runs
from autoloop.engine.schemas import RunQuery
from autoloop.engine.services.runs import Runs as RunService
from autoloop.engine.views import changed, runs_page
from autoloop.web import page
from autoloop.web.input import read_query
from autoloop.web.permissions import Permission

TEMPLATES = "autoloop.engine:templates/"
SHOWN_STEPS = 500

ICONS = {"next": "check", "retry": "refresh-cw", "late": "hourglass", "stopped": "square", "failed": "octagon-x", "cancelled": "x"}
TONES = {"next": "ok", "retry": "warn", "late": "warn", "stopped": "info", "failed": "bad", "cancelled": "warn"}


@page(context=Runs, permission=Permission.READ, template=TEMPLATES + "runs.jinja2")
def runs(context: Runs, request: Request) -> dict[str, Any]:
    filters = read_query(request, RunQuery(), many=True)
    return {"page": runs_page(context, request, filters), "filters": filters, "statuses": RUN_STATUSES, "workflow_id": context.workflow_id}


@page(context=Run, permission=Permission.READ, template=TEMPLATES + "run.jinja2")
def run(context: Run, request: Request) -> dict[str, Any]:
    row, service = context.row, request.services(RunService)
    journal = request.db.scalars(service.journal(row.id).limit(SHOWN_STEPS)).all()
    plugins = request.registrations.plugins
    return {
        "run": row,
        "journal": [_line(step, plugins) for step in journal],
        "stands": [_stand(position, plugins) for position in row.positions],
        "more": row.steps > SHOWN_STEPS,
        "may_edit": request.has_permission(Permission.EDIT),
    }


def _title(plugins: Any, kind: str) -> str:
    step = plugins.step(kind)
    return str(step.title) if step is not None else kind


def _line(step: Any, plugins: Any) -> dict[str, Any]:
    detail = step.detail or {}
    why = detail.get("why") if isinstance(detail, dict) else None
    return {
        "at": step.at,
        "icon": ICONS.get(step.outcome, "activity"),
        "tone": TONES.get(step.outcome, ""),
        "title": _title(plugins, step.type) if step.type else _("The run"),
        "node": step.node,
        "port": step.port,
        "outcome": step.outcome,
        "why": why if isinstance(why, str) else None,
        "detail": detail if detail and not isinstance(why, str) else None,
    }


def _stand(position: dict[str, Any], plugins: Any) -> dict[str, Any]:
    wait = position.get("wait") or {}
    return {"node": position["node"], "since": position.get("since"), "kind": wait.get("kind"), "event": wait.get("event"), "until": wait.get("until")}


@page(context=Run, method="POST", name="cancel", permission=Permission.EDIT)
def cancel(context: Run, request: Request) -> HTTPSeeOther:
    return _do(context, request, "cancel", _("The run was ended."))


@page(context=Run, method="POST", name="pause", permission=Permission.EDIT)
def pause(context: Run, request: Request) -> HTTPSeeOther:
    return _do(context, request, "pause", _("The run is held."))


@page(context=Run, method="POST", name="resume", permission=Permission.EDIT)
def resume(context: Run, request: Request) -> HTTPSeeOther:
    request.services.nudge("advance")
    return _do(context, request, "resume", _("The run goes on."))


def _do(context: Run, request: Request, verb: str, said: Any) -> HTTPSeeOther:
    try:
        changed(context, request, lambda service: getattr(service, verb)([context.id]))
    except Conflict as error:
        said = error.message
    request.session.flash(request.localizer.translate(said))
    return HTTPSeeOther(request.resource_url(context).rstrip("/"))
