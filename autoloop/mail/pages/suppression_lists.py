"""Pages of suppression lists as files, and of the installation's own list."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from autoloop.accounts.forms import posted
from autoloop.base.errors import Invalid, TooLarge
from autoloop.base.i18n import _
from autoloop.mail import resources, schemas
from autoloop.mail.services.suppression_files import SuppressionFiles
from autoloop.mail.services.suppressions import InstanceSuppressions
from autoloop.mail.views.suppression_lists import exported, instance_rows, received
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.input import ListQuery, read_query
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse

TEMPLATE = "autoloop.mail:pages/instance_suppressions.jinja2"


@page(context=resources.Suppressions, name="import", method="POST", permission=Permission.IMPORT)
def take_file(context: resources.Suppressions, request: Request) -> Any:
    try:
        found = request.services(SuppressionFiles).take(received(request))
    except (Invalid, TooLarge) as error:
        messages = [each for found in error.details.values() for each in found] or [error.message]
        say(request, messages[0], refused=True)
        return HTTPSeeOther(request.resource_url(context))
    words = _(
        "${added} added, ${known} known before, ${rejects} rejected.",
        mapping={name: found[name] for name in ("added", "known", "rejects")},
    )
    lines = "; ".join(f"{each['line']}: {each['value']}" for each in found["rejected"][:5])
    request.session.flash(request.localizer.translate(words) + (f" ({lines})" if lines else ""))
    return HTTPSeeOther(request.resource_url(context))


@page(context=resources.Suppressions, name="export", permission=Permission.EXPORT)
def give_file(context: resources.Suppressions, request: Request) -> Response:
    return exported(request)


@page(context=resources.InstanceSuppressions, permission=Permission.INSTANCE_ADMIN, template=TEMPLATE)
def instance_list(context: resources.InstanceSuppressions, request: Request) -> dict[str, Any]:
    return shown(request, {})


@page(
    context=resources.InstanceSuppressions,
    method="POST",
    permission=Permission.INSTANCE_ADMIN,
    template=TEMPLATE,
)
def instance_suppress(context: resources.InstanceSuppressions, request: Request) -> Any:
    try:
        given = posted(request, schemas.AddSuppression())
        request.services(InstanceSuppressions).suppress(given["address"], note=given["note"])
    except Invalid as error:
        return shown(request, dict(request.POST), error)
    return HTTPSeeOther(request.resource_url(context))


@page(context=resources.InstanceSuppression, name="lift", method="POST", permission=Permission.INSTANCE_ADMIN)
def instance_lift(context: resources.InstanceSuppression, request: Request) -> Any:
    request.services(InstanceSuppressions).lift(context.id)
    return HTTPSeeOther(request.resource_url(context.__parent__))


def shown(request: Request, given: dict[str, Any], error: Invalid | None = None) -> dict[str, Any]:
    request.filters = read_query(request, ListQuery(), many=True)
    return {
        "page": instance_rows(request),
        "filters": request.filters,
        "given": given,
        "error": refuse(request, error),
    }
