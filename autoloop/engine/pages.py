"""Pages: the list of runs, and one run from its start to where it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.errors import Conflict
from autoloop.base.i18n import _
from autoloop.businesses.models import Contact
from autoloop.engine import schemas
from autoloop.engine.explain.views import run_told
from autoloop.engine.models import RUN_STATUSES, Workflow, WorkflowVersion
from autoloop.engine.resources import Run, Runs
from autoloop.engine.services.runs import Runs as RunService
from autoloop.engine.views import listed, moved
from autoloop.web import page
from autoloop.web.input import read_query
from autoloop.web.permissions import Permission

HERE = "autoloop.engine:templates/"

ICONS = {
    "wait": "clock",
    "wait_for_event": "bell",
    "branch": "git-branch",
    "ab_split": "split",
    "send_email": "mail",
    "add_tag": "tag",
    "update_contact": "pencil",
    "webhook": "webhook",
    "stop": "octagon-x",
}
TONES = {
    "failed": "bad",
    "error": "bad",
    "quarantined": "bad",
    "retry": "warn",
    "late": "",
    "cancelled": "warn",
}


@page(context=Runs, permission=Permission.READ, template=HERE + "runs.jinja2")
def runs_page(context: Runs, request: Request) -> dict[str, Any]:
    request.filters = read_query(request, schemas.RunsQuery(), many=True)
    found = listed(context, request)
    return {
        "page": found,
        "filters": request.filters,
        "statuses": RUN_STATUSES,
        "of_one": context.workflow_id is not None,
    }


@page(context=Run, permission=Permission.READ, template=HERE + "run.jinja2")
def run_page(context: Run, request: Request) -> dict[str, Any]:
    return shown(context, request, None)


def shown(context: Run, request: Request, error: Conflict | None) -> dict[str, Any]:
    run = context.row
    service = request.services(RunService)
    key = run.workspace_id
    version = request.db.get(WorkflowVersion, (key, run.version_id))
    kinds = (
        {node.get("id"): node.get("type", "") for node in version.graph.get("nodes", [])} if version else {}
    )
    steps = request.registrations.plugins.steps
    return {
        "run": run,
        "workflow": request.db.get(Workflow, (key, run.workflow_id)),
        "contact": request.db.get(Contact, (key, run.contact_id)),
        "version": version,
        "journal": [_line(step, steps) for step in service.journal(run.id)],
        "standing": [_standing(position, kinds, steps) for position in run.positions],
        "actions": service.actions(run.id),
        "why": run_told(request, run),
        "may_publish": request.has_permission(Permission.PUBLISH, context),
        "error": error,
    }


def _line(step: Any, steps: Any) -> dict[str, Any]:
    """One entry of the journal as an entry of a timeline."""
    known = steps.get(step.type)
    title = known.title if known is not None else step.type or step.outcome.capitalize()
    left = step.port or step.outcome
    return {
        "at": step.at,
        "title": f"{title} → {left}" if step.type else title,
        "text": f"{step.node}: {_why(step.detail)}".strip(": ") if step.detail else step.node,
        "icon": ICONS.get(step.type, "activity"),
        "tone": TONES.get(step.outcome, "ok" if step.outcome == "next" else ""),
    }


def _why(detail: Any) -> str:
    """What decided, in one line: `contact.email ends_with acme.com (found ada@acme.com): yes`."""
    why = detail.get("why") if isinstance(detail, dict) else detail
    if isinstance(why, list):
        return "; ".join(_asked(each) for each in why if isinstance(each, dict))
    return str(why) if why else ""


def _asked(each: dict[str, Any]) -> str:
    subject = each.get("field") or each.get("event") or f"email {each.get('email')}"
    value = f" {each['value']}" if each.get("value") is not None else ""
    answer = "yes" if each.get("answer") else "no"
    return f"{subject} {str(each.get('op')).replace('_', ' ')}{value} ({_('found').interpolate()} {each.get('found')}): {answer}"


def _standing(position: dict[str, Any], kinds: Any, steps: Any) -> dict[str, Any]:
    """Where the run stands and what it waits for."""
    wait = position.get("wait") or {}
    kind = kinds.get(position["node"], "")
    known = steps.get(kind)
    until = wait.get("until")
    return {
        "node": position["node"],
        "title": known.title if known is not None else kind,
        "since": datetime.fromisoformat(position["since"]),
        "waits_for": wait.get("event") or wait.get("kind"),
        "until": datetime.fromisoformat(until) if until else None,
        "icon": ICONS.get(kind, "activity"),
    }


def _move(context: Run, request: Request, verb: str) -> Any:
    try:
        moved(context, request, verb)
    except Conflict as error:
        request.response.status = 409
        return shown(context, request, error)
    return HTTPSeeOther(request.resource_url(context))


@page(context=Run, method="POST", name="cancel", permission=Permission.PUBLISH, template=HERE + "run.jinja2")
def cancel(context: Run, request: Request) -> Any:
    return _move(context, request, "cancel")


@page(context=Run, method="POST", name="pause", permission=Permission.PUBLISH, template=HERE + "run.jinja2")
def pause(context: Run, request: Request) -> Any:
    return _move(context, request, "pause")


@page(context=Run, method="POST", name="resume", permission=Permission.PUBLISH, template=HERE + "run.jinja2")
def resume(context: Run, request: Request) -> Any:
    return _move(context, request, "resume")


@page(context=Run, method="POST", name="retry", permission=Permission.PUBLISH, template=HERE + "run.jinja2")
def retry(context: Run, request: Request) -> Any:
    return _move(context, request, "retry")
