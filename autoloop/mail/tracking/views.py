"""The JSON door of a template's opens and clicks."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.base.errors import NotFound
from autoloop.mail.models import EmailTemplateVersion
from autoloop.mail.templates.resources import Template
from autoloop.mail.templates.services import Templates
from autoloop.mail.tracking import schemas
from autoloop.mail.tracking.report import TouchReport
from autoloop.web import api_view
from autoloop.web.permissions import Permission

__all__ = ["version_asked"]


@api_view(
    context=Template,
    name="clicks",
    permission=Permission.READ,
    query=schemas.ClicksQuery,
    out=schemas.ClicksOut,
)
def clicks(context: Template, request: Request) -> dict[str, Any]:
    """Opens and clicks of the emails made of a version, link by link."""
    version = version_asked(context, request, request.filters["version"])
    return request.services(TouchReport).of_version(version)


def version_asked(context: Template, request: Request, number: int | None) -> EmailTemplateVersion:
    """The version of this number, or the current one. Raises NotFound."""
    templates = request.services(Templates)
    if number is None:
        return templates.whole(context.row).version
    version = templates.version(context.row.id, number)
    if version is None:
        raise NotFound
    return version
