"""Pages: one published version, what the draft changes of it, and the way back to it."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.i18n import _
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.permissions import Permission
from autoloop.workflows import services
from autoloop.workflows.pages.workflow import outlined, pictured
from autoloop.workflows.pages.workflows import TEMPLATES
from autoloop.workflows.picture.boxes import figure
from autoloop.workflows.resources import Version
from autoloop.workflows.views.versions import differing

SHOW = TEMPLATES + "version.jinja2"


@page(context=Version, permission=Permission.READ, template=SHOW)
def version(context: Version, request: Request) -> dict[str, Any]:
    """The version, beside what the draft or another version (`?to=2`) makes of it."""
    row, versions = context.row, context.__parent__
    workflow_id = versions.workflow_id  # type: ignore[union-attr]
    workflow = request.services(services.Workflows).row(workflow_id)
    numbers = [
        each.number for each in request.db.execute(request.services(services.Versions).of(workflow_id))
    ]
    asked = request.GET.get("to", "")
    to = int(asked) if asked.isdecimal() and len(asked) < 10 and int(asked) in numbers else None
    shown = figure(row.graph, [], request.registrations.plugins)
    return {
        "workflow": workflow,
        "workflow_url": request.resource_url(versions.__parent__),  # type: ignore[union-attr]
        "version": row,
        "choices": [
            ("", _("the draft")),
            *((str(each), str(each)) for each in sorted(numbers, reverse=True)),
        ],
        "titles": {name: step.title for name, step in request.registrations.plugins.steps.items()},
        "starters": {name: each.title for name, each in request.registrations.plugins.triggers.items()},
        "to": to,
        "difference": differing(context, request, to),
        "may_edit": request.has_permission(Permission.EDIT, context),
        "may_publish": request.has_permission(Permission.PUBLISH, context),
        "picture": pictured(request, shown, workflow.name),
        "steps": outlined(shown),
    }


@page(context=Version, method="POST", name="restore", permission=Permission.EDIT)
def restore(context: Version, request: Request) -> Any:
    """Its graph and triggers become the draft's; nothing happens to anybody until that is published."""
    versions = context.__parent__
    row = context.row
    request.services(services.Drafts).save(versions.workflow_id, row.graph, row.triggers)  # type: ignore[union-attr]
    number = context.row.number
    say(
        request, _("The draft is now as version ${number}. Publish it to use it.", mapping={"number": number})
    )
    return HTTPSeeOther(request.resource_url(versions.__parent__, "draft"))  # type: ignore[union-attr]
