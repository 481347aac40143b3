"""The page of a template's opens and clicks."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.base.i18n import _
from autoloop.mail.templates.resources import Template
from autoloop.mail.templates.services import Templates
from autoloop.mail.tracking.report import TouchReport
from autoloop.mail.tracking.schemas import ClicksQuery
from autoloop.mail.tracking.views import version_asked
from autoloop.web import page
from autoloop.web.input import read_query
from autoloop.web.permissions import Permission

MOST_TABS = 10


@page(
    context=Template,
    name="clicks",
    permission=Permission.READ,
    template="autoloop.mail:tracking/clicks.jinja2",
)
def clicks(context: Template, request: Request) -> dict[str, Any]:
    asked = read_query(request, ClicksQuery(), many=False)["version"]
    version = version_asked(context, request, asked)
    say = request.localizer.translate
    numbers = [each["number"] for each in request.services(Templates).versions(context.row.id)[:MOST_TABS]]
    return {
        "template": context.row,
        "here": request.resource_path(context),
        "found": request.services(TouchReport).of_version(version),
        "mode": request.workspace_node.row.tracking,
        "versions": [
            (
                say(_("Version ${number}", mapping={"number": n})),
                f"{request.resource_path(context, 'clicks')}?version={n}",
                n == version.number,
            )
            for n in numbers
        ],
    }
