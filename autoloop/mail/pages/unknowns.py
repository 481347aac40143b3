"""The page of emails whose fate nobody knows: look at them, say what became of one or of many."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from sqlalchemy import select

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.engine.models import Workflow
from autoloop.mail import resources, schemas
from autoloop.mail.models import Email, Kind, ProviderAccount, Status
from autoloop.mail.services.unknowns import FATES, FILTERS, MOST, Unknowns
from autoloop.mail.views.unknowns import given_filter, unknown_rows
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.input import read_query
from autoloop.web.permissions import Permission

HERE = "autoloop.mail:pages/"
LIST, SURE = HERE + "unknowns.jinja2", HERE + "unknowns_sure.jinja2"
CHOSEN = 1000


@page(context=resources.UnknownEmails, permission=Permission.READ, template=LIST)
def unknowns(context: resources.UnknownEmails, request: Request) -> dict[str, Any]:
    request.filters = read_query(request, schemas.UnknownsQuery(), many=True)
    plugins = request.registrations.plugins
    filters = {name: request.filters[name] for name in FILTERS if request.filters[name] is not None}
    count = request.services(Unknowns).count(filters)
    shown = unknown_rows(request)
    return {
        "page": shown,
        "filters": request.filters,
        "filter": _texts(filters),
        "count": count,
        "kinds": [str(kind) for kind in Kind],
        "ways": schemas.ON_UNKNOWN,
        "workflows": _named(request, Workflow, Email.workflow_id),
        "accounts": _named(request, ProviderAccount, Email.provider_account_id),
        "settles": {row.provider: _how(plugins, row.provider) for row in shown.rows},
        "may_settle": request.has_permission(Permission.PUBLISH, context),
    }


@page(
    context=resources.UnknownEmails,
    name="settle",
    method="POST",
    permission=Permission.PUBLISH,
    template=SURE,
)
def settle(context: resources.UnknownEmails, request: Request) -> Any:
    """First says how many it would be; with `sure`, does it."""
    fate, meant = _asked(request)
    unknowns = request.services(Unknowns)
    if request.POST.get("sure") == "yes":
        done = unknowns.settle(fate, **meant)
        say(request, _said(request, done))
        query = _texts(meant["filters"]) if done.left else None
        return HTTPSeeOther(request.resource_url(context, query=query))
    count = len(meant["ids"]) if "ids" in meant else unknowns.count(meant["filters"])
    filters = _texts(meant.get("filters", {}))
    return {
        "fate": fate,
        "count": count,
        "most": MOST,
        "ids": [str(id) for id in meant.get("ids", ())],
        "filter": filters,
        "by_filter": "filters" in meant,
        "query": urlencode(filters),
    }


def _asked(request: Request) -> tuple[str, dict[str, Any]]:
    """What was chosen, and of which emails: {"ids"} or {"filters"}. Raises Invalid."""
    given = {name: str(value) for name, value in request.POST.items()}
    fate = given.get("fate", "")
    if fate not in FATES:
        raise Invalid(details={"fate": [_("Choose what became of them.")]})
    if given.get("scope") == "all":
        return fate, {"filters": given_filter(given)}
    ids = [parse_id(str(value)) for value in request.POST.getall("id")]
    if not ids or None in ids or len(ids) > CHOSEN:
        raise Invalid(details={"id": [_("Choose at least one email.")]})
    return fate, {"ids": [id for id in dict.fromkeys(ids) if id is not None]}


def _texts(filters: dict[str, Any]) -> dict[str, str]:
    """A filter as addresses and hidden fields hold it."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in filters.items()
    }


def _said(request: Request, done: Any) -> str:
    said = [_("Settled: ${count}.", mapping={"count": done.settled})]
    if done.passed_over:
        said.append(_("Passed over, known by now or erased: ${count}.", mapping={"count": done.passed_over}))
    if done.left:
        said.append(_("Left: ${count}.", mapping={"count": done.left}))
    return " ".join(request.localizer.translate(each) for each in said)


def _named(request: Request, table: Any, column: Any) -> list[tuple[str, str]]:
    """What the unknown emails refer to, by name, for a select."""
    here = request.services.workspace_id
    meant = select(column).where(Email.workspace_id == here, Email.status == Status.UNKNOWN.value)
    rows = select(table.id, table.name).where(table.workspace_id == here, table.id.in_(meant))
    return [(str(id), name) for id, name in request.db.execute(rows.order_by(table.name).limit(200))]


def _how(plugins: Any, provider: str | None) -> str:
    cls = plugins.get("email", provider) if provider else None
    return str(cls.idempotency) if cls is not None else "none"
