"""Pages: the draft as text, with what the check says about it."""

from __future__ import annotations

from typing import Any

import orjson
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.errors import Invalid, PreconditionFailed
from autoloop.base.i18n import _
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.input import checked, parse_json
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse
from autoloop.workflows import schemas, services
from autoloop.workflows.checking import examine_draft
from autoloop.workflows.exchange import in_order
from autoloop.workflows.pages.workflow import outlined, pictured
from autoloop.workflows.pages.workflows import REFUSALS, TEMPLATES
from autoloop.workflows.picture.boxes import figure
from autoloop.workflows.resources import Draft

EDIT = TEMPLATES + "text.jinja2"


@page(context=Draft, name="text", permission=Permission.READ, template=EDIT)
def show(
    context: Draft, request: Request, text: str | None = None, error: Told | None = None
) -> dict[str, Any]:
    draft = context.row
    workflow = request.services(services.Workflows).row(context.id)
    found = examine_draft(request.services, draft.graph, draft.triggers)
    problems = [problem for problem in found if problem.severity == "error"]
    warnings = [problem for problem in found if problem.severity == "warning"]
    shown = figure(draft.graph, draft.triggers, request.registrations.plugins)
    triggers = [in_order(trigger, "trigger") for trigger in draft.triggers]
    held = {"triggers": triggers, "graph": in_order(draft.graph, "graph")}
    written = orjson.dumps(held, option=orjson.OPT_INDENT_2).decode()
    return {
        "workflow": workflow,
        "workflow_url": request.resource_url(context.__parent__),
        "draft": draft,
        "text": written if text is None else text,
        "problems": problems,
        "warnings": warnings,
        "picture": pictured(request, shown, workflow.name, problems=problems),
        "steps": outlined(shown, problems=found),
        "error": error,
        "may_edit": context.may_be_edited,
        "may_publish": request.has_permission(Permission.PUBLISH, context),
    }


@page(context=Draft, name="text", method="POST", permission=Permission.EDIT, template=EDIT)
def save(context: Draft, request: Request) -> Any:
    """Save what was written, unless somebody else saved since; then show both what was written and why."""
    text, seen = str(request.POST.get("text", "")), str(request.POST.get("revision", ""))
    try:
        given = checked(schemas.DraftIn(), parse_json(text.encode(errors="replace")))
        if not seen.isdecimal() or len(seen) > 9:
            raise Invalid(details={"revision": [_("Load the page again.")]})
        request.services(services.Drafts).save(context.id, **given, seen=int(seen))
    except (*REFUSALS, PreconditionFailed) as error:
        return show(context, request, text, refuse(request, error))
    say(request, _("Saved."))
    return HTTPSeeOther(request.resource_url(context, "text"))
