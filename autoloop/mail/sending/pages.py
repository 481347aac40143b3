"""The page of what limits the rate of mail, and the forms that set limits."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from sqlalchemy import select

from autoloop.accounts.forms import posted, posted_text
from autoloop.base.errors import AutoLoopError, Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.mail.models import ProviderAccount, Sender, SendingDomain
from autoloop.mail.models.limits import PERIODS
from autoloop.mail.sending import resources, schemas
from autoloop.mail.sending.limits import TARGETS, Limits
from autoloop.mail.sending.report import Braked, Sending
from autoloop.mail.sending.telling import figures_of, tell, title_of_limit
from autoloop.web import page
from autoloop.web.input import checked
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse

HERE = "autoloop.mail.sending:"
REFUSALS = (Invalid, Conflict)
# Where the form stands whose limit was saved.
PLACES = {"account_id": "providers", "sender_id": "senders", "domain_id": "domains"}


@page(context=resources.Sending, permission=Permission.READ, template=HERE + "sending.jinja2")
def sending(context: resources.Sending, request: Request) -> dict[str, Any]:
    return sending_page(request, {})


@page(context=resources.Sending, name="end-break", method="POST", permission=Permission.MANAGE_SENDING)
def end_break(context: resources.Sending, request: Request) -> Any:
    given = posted(request, schemas.BreakEnd())
    try:
        request.services(Sending).close(given["account_id"], given["domain"])
    except Invalid:  # it was over by itself
        return HTTPSeeOther(request.resource_url(context))
    return HTTPSeeOther(request.resource_url(context, query={"done": "ended"}))


@page(context=resources.Limits, permission=Permission.READ)
def limits(context: resources.Limits, request: Request) -> Any:
    return HTTPSeeOther(request.resource_url(context.__parent__, anchor="limits"))


@page(
    context=resources.Limits,
    method="POST",
    permission=Permission.MANAGE_SENDING,
    template=HERE + "sending.jinja2",
)
def set_limit(context: resources.Limits, request: Request) -> Any:
    """From the page's own form (`of` names the target), or from one on the page of an account, sender or domain."""
    given = posted_text(request)
    try:
        target, figures = _meant(given)
        request.services(Limits).put(target, figures)
    except REFUSALS as error:
        named = next((f"{name}:{given[name]}" for name in PLACES if name in given), "workspace")
        return sending_page(request, {"of": named} | given, error)
    for name, place in PLACES.items():
        if "of" not in given and target.get(name):
            parent = request.workspace_node[place][str(target[name])]
            return HTTPSeeOther(request.resource_url(parent, query={"done": "saved"}))
    return HTTPSeeOther(request.resource_url(context.__parent__, query={"done": "saved"}))


@page(context=resources.Limit, permission=Permission.READ, template=HERE + "limit.jinja2")
def limit(context: resources.Limit, request: Request) -> dict[str, Any]:
    return limit_page(request, context.row, dict(context.row._mapping))


@page(
    context=resources.Limit,
    method="POST",
    permission=Permission.MANAGE_SENDING,
    template=HERE + "limit.jinja2",
)
def change_limit(context: resources.Limit, request: Request) -> Any:
    row = context.row
    try:
        # The page always sends all of them: an emptied field is a change.
        values = dict.fromkeys(PERIODS) | posted(request, schemas.ChangeLimit())
        request.services(Limits).change(row.id, values)
    except REFUSALS as error:
        return limit_page(request, row, dict(row._mapping) | dict(request.POST), error)
    return HTTPSeeOther(request.resource_url(request.workspace_node, "sending", "", query={"done": "saved"}))


@page(context=resources.Limit, name="lift", method="POST", permission=Permission.MANAGE_SENDING)
def lift_limit(context: resources.Limit, request: Request) -> Any:
    request.services(Limits).lift(context.row.id)
    return HTTPSeeOther(request.resource_url(request.workspace_node, "sending", "", query={"done": "lifted"}))


def sending_page(
    request: Request, given: dict[str, Any], error: AutoLoopError | None = None
) -> dict[str, Any]:
    report = request.services(Sending).report()
    translate = request.localizer.translate
    lines = [(brake, tell(brake, translate)) for brake in report.brakes]
    return {
        "report": report,
        "active": [line for line in lines if holds(line[0])],
        "idle": [line for line in lines if not holds(line[0])],
        "targets": _targets(request),
        "given": given,
        "error": refuse(request, error),
    }


def limit_page(
    request: Request, row: Any, given: dict[str, Any], error: AutoLoopError | None = None
) -> dict[str, Any]:
    translate = request.localizer.translate
    return {
        "row": row,
        "title": title_of_limit(row, translate),
        "figures": figures_of(row, translate),
        "given": given,
        "error": refuse(request, error),
    }


def holds(brake: Braked) -> bool:
    """Whether it slows mail right now: some waits for it, or would."""
    full = brake.most is not None and brake.used is not None and brake.used >= brake.most
    return bool(brake.waiting.count) or full or brake.kind in ("slowed", "breaker", "account")


def _meant(given: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The target and the figures of a form. `of` is "workspace", "recipient_domain" or a field and an id."""
    values = dict(given)
    field, _colon, id = values.pop("of", "").partition(":")
    if id:
        values[field] = id
    elif field == "workspace":
        values.pop("recipient_domain", None)
    elif field == "recipient_domain" and "recipient_domain" not in values:
        raise Invalid(details={"recipient_domain": [_("Name a domain, or * for each.")]})
    read = checked(schemas.SetLimit(), values)
    return {name: read.get(name) for name in TARGETS}, {name: read.get(name) for name in PERIODS}


def _targets(request: Request) -> list[tuple[str, str]]:
    """What a limit can be about, for a select."""
    translate = request.localizer.translate
    found = [
        ("workspace", translate(_("The whole workspace"))),
        ("recipient_domain", translate(_("Mail to the domain named below"))),
    ]
    tables: tuple[tuple[str, Any, Any, Any], ...] = (
        ("account_id", ProviderAccount, ProviderAccount.name, _("Through ${what}")),
        ("sender_id", Sender, Sender.address, _("From ${what}")),
        ("domain_id", SendingDomain, SendingDomain.name, _("From the domain ${what}")),
    )
    for field, table, name, words in tables:
        rows = select(table.id, name).where(table.workspace_id == request.workspace_id).order_by(name)
        for id, what in request.db.execute(rows.limit(200)):
            found.append((f"{field}:{id}", translate(words).replace("${what}", what)))
    return found
