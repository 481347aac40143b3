"""The settings of a workspace, and its audit."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.accounts.forms import posted_text, timezone_options
from autoloop.base.errors import AutoLoopError
from autoloop.base.i18n import _
from autoloop.web import page
from autoloop.web.input import checked, read_query
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse, told
from autoloop.workspaces import schemas, services
from autoloop.workspaces.mail_limits import read_form
from autoloop.workspaces.pages import REFUSALS, TEMPLATES
from autoloop.workspaces.resources import Audit, Settings
from autoloop.workspaces.views import audit_rows

WEEKDAYS = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))


@page(context=Settings, permission=Permission.READ, template=TEMPLATES + "settings.jinja2")
def settings(context: Settings, request: Request) -> dict[str, Any]:
    return settings_page(context, request)


@page(
    context=Settings,
    method="POST",
    permission=Permission.MANAGE_WORKSPACE,
    template=TEMPLATES + "settings.jinja2",
)
def change_settings(context: Settings, request: Request) -> Any:
    given: dict[str, Any] = dict(posted_text(request))
    # An emptied field is a change here: the page always sends all of them.
    given = {"postal_address": "", **given} if "postal_address" in request.POST else given
    if "holidays" in request.POST:
        given["holidays"] = str(given.get("holidays", "")).split()
        given["working_days"] = [day for day in range(1, 8) if given.pop(f"day_{day}", None)]
    try:
        given = read_form(given)
        row = request.services(services.Workspaces).change(checked(schemas.ChangeSettings(), given))
    except REFUSALS as error:
        refuse(request, error)
        return settings_page(context, request, given, error)
    return HTTPSeeOther(f"{request.application_url}/w/{row.slug}/settings?done=settings")


@page(context=Audit, permission=Permission.MANAGE_WORKSPACE, template=TEMPLATES + "audit.jinja2")
def audit(context: Audit, request: Request) -> dict[str, Any]:
    request.filters = read_query(request, schemas.AuditQuery(), many=True)
    return {"list": audit_rows(request)}


def settings_page(
    context: Settings,
    request: Request,
    given: dict[str, Any] | None = None,
    error: AutoLoopError | None = None,
) -> dict[str, Any]:
    row = context.row
    fields = ["name", "slug", "postal_address", "timezone", "locale", "holidays", "working_days"]
    fields += ["company_cap", "sender_health", "tracking"]
    values = {field: getattr(row, field) for field in fields} | (given or {})
    return {
        "given": values,
        "error": told(request, error),
        "timezone_options": timezone_options(),
        "weekdays": WEEKDAYS,
    }
