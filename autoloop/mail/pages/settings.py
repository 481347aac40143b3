"""Pages of senders, provider accounts and suppressions."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.accounts.forms import posted, posted_text, timezone_options
from autoloop.base.errors import AutoLoopError, Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.mail import resources, schemas
from autoloop.mail.governor.pausing import why_paused
from autoloop.mail.headers import headers_text
from autoloop.mail.models import REASONS, ProviderAccount, Sender
from autoloop.mail.pages.warming import ramp_changes, ramp_fields, warming
from autoloop.mail.sending.limits import Limits
from autoloop.mail.services.accounts import ProviderAccounts, kinds
from autoloop.mail.services.connecting import Connecting
from autoloop.mail.services.senders import Senders
from autoloop.mail.services.suppressions import Suppressions
from autoloop.mail.views.settings import suppression_rows, with_cap
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.input import checked, read_query
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse

HERE = "autoloop.mail:pages/"
REFUSALS = (Invalid, Conflict)


@page(context=resources.Senders, permission=Permission.READ, template=HERE + "senders.jinja2")
def senders(context: resources.Senders, request: Request) -> dict[str, Any]:
    return senders_page(request, {})


@page(
    context=resources.Senders,
    method="POST",
    permission=Permission.MANAGE_SENDERS,
    template=HERE + "senders.jinja2",
)
def create_sender(context: resources.Senders, request: Request) -> Any:
    try:
        request.services(Senders).create(posted(request, schemas.CreateSender()))
    except REFUSALS as error:
        return senders_page(request, dict(request.POST), error)
    return HTTPSeeOther(request.resource_url(context))


@page(context=resources.Sender, permission=Permission.READ, template=HERE + "sender.jinja2")
def sender(context: resources.Sender, request: Request) -> dict[str, Any]:
    row = context.row
    return sender_page(request, row, dict(row._mapping))


@page(
    context=resources.Sender,
    method="POST",
    permission=Permission.MANAGE_SENDERS,
    template=HERE + "sender.jinja2",
)
def change_sender(context: resources.Sender, request: Request) -> Any:
    row = context.row
    try:
        given = ramp_changes(posted_text(request), row.ramp)
        # The page always sends all of them: an emptied field is a change.
        emptied = {"postal_address": "", "headers": ""} | (
            {} if given.get("daily_cap") else {"no_cap": "true"}
        )
        values = checked(schemas.ChangeSender(), emptied | given)
        values = {"reply_to": None, "provider_account_id": None} | values
        request.services(Senders).change(row.id, with_cap(values))
    except REFUSALS as error:
        return sender_page(request, row, dict(row._mapping) | dict(request.POST), error)
    return HTTPSeeOther(request.resource_url(context, query={"done": "saved"}))


@page(context=resources.Sender, name="resume", method="POST", permission=Permission.MANAGE_SENDERS)
def resume_sender(context: resources.Sender, request: Request) -> Any:
    request.services(Senders).change(context.row.id, {"status": "active"})
    return HTTPSeeOther(request.resource_url(context, query={"done": "resumed"}))


@page(context=resources.Sender, name="remove", method="POST", permission=Permission.MANAGE_SENDERS)
def remove_sender(context: resources.Sender, request: Request) -> Any:
    request.services(Senders).remove(context.row.id)
    return HTTPSeeOther(request.resource_url(context.__parent__))


@page(context=resources.Providers, permission=Permission.MANAGE_PROVIDERS, template=HERE + "providers.jinja2")
def providers(context: resources.Providers, request: Request) -> dict[str, Any]:
    return providers_page(request, {})


@page(
    context=resources.Providers,
    method="POST",
    permission=Permission.MANAGE_PROVIDERS,
    template=HERE + "providers.jinja2",
)
def create_provider(context: resources.Providers, request: Request) -> Any:
    try:
        given = nested(posted_text(request))
        request.services(ProviderAccounts).create(checked(schemas.CreateAccount(), given))
    except REFUSALS as error:
        return providers_page(request, dict(request.POST), error)
    return HTTPSeeOther(request.resource_url(context))


@page(context=resources.Provider, permission=Permission.MANAGE_PROVIDERS, template=HERE + "provider.jinja2")
def provider(context: resources.Provider, request: Request) -> dict[str, Any]:
    return provider_page(request, context.row, {})


@page(
    context=resources.Provider,
    method="POST",
    permission=Permission.MANAGE_PROVIDERS,
    template=HERE + "provider.jinja2",
)
def change_provider(context: resources.Provider, request: Request) -> Any:
    row = context.row
    try:
        given = {"config": {}} | nested(posted_text(request))
        # The page always sends the choice: an emptied one is a change.
        values = {"failover_id": None} | checked(schemas.ChangeAccount(), given)
        request.services(ProviderAccounts).change(row.id, values)
    except REFUSALS as error:
        return provider_page(request, row, dict(request.POST), error)
    return HTTPSeeOther(request.resource_url(context, query={"done": "saved"}))


@page(context=resources.Provider, name="remove", method="POST", permission=Permission.MANAGE_PROVIDERS)
def remove_provider(context: resources.Provider, request: Request) -> Any:
    try:
        request.services(ProviderAccounts).remove(context.row.id)
    except Conflict as error:
        say(request, error.message, refused=True)
        return HTTPSeeOther(request.resource_url(context))
    return HTTPSeeOther(request.resource_url(context.__parent__))


@page(context=resources.Suppressions, permission=Permission.READ, template=HERE + "suppressions.jinja2")
def suppressions(context: resources.Suppressions, request: Request) -> dict[str, Any]:
    return suppressions_page(request, {})


@page(
    context=resources.Suppressions,
    method="POST",
    permission=Permission.EDIT,
    template=HERE + "suppressions.jinja2",
)
def suppress(context: resources.Suppressions, request: Request) -> Any:
    try:
        given = posted(request, schemas.AddSuppression())
        request.services(Suppressions).suppress(given["address"], note=given["note"])
    except REFUSALS as error:
        return suppressions_page(request, dict(request.POST), error)
    return HTTPSeeOther(request.resource_url(context))


@page(context=resources.Suppression, name="lift", method="POST", permission=Permission.MANAGE_SENDERS)
def lift(context: resources.Suppression, request: Request) -> Any:
    request.services(Suppressions).lift(context.row.id)
    return HTTPSeeOther(request.resource_url(context.__parent__))


def senders_page(
    request: Request, given: dict[str, Any], error: AutoLoopError | None = None
) -> dict[str, Any]:
    rows = request.db.execute(request.services(Senders).rows().order_by(Sender.name, Sender.id).limit(500))
    return {
        "rows": list(rows),
        "given": given,
        "error": refuse(request, error),
        "timezones": timezone_options(),
    }


def sender_page(
    request: Request, row: Any, given: dict[str, Any], error: AutoLoopError | None = None
) -> dict[str, Any]:
    accounts = [("", _("The workspace's default")), *account_options(request)]
    return {
        "row": row,
        "given": ramp_fields(row.ramp) | given,
        "headers": headers_text(given.get("headers")),
        "warming": warming(row, request.services.clock.now()),
        "error": refuse(request, error),
        "timezones": timezone_options(),
        "accounts": accounts,
        "why_paused": said_in_words(request, row),
        "health": request.services(Senders).health(row.id),
        "limit": request.services(Limits).of(sender_id=row.id),
    }


def said_in_words(request: Request, row: Any) -> str | None:
    """Why the sender was paused, in the reader's language."""
    why = why_paused(row.paused_because)
    return None if why is None else str(request.localizer.translate(why))


def account_options(request: Request) -> list[tuple[str, str]]:
    rows = request.services(ProviderAccounts).rows().order_by(ProviderAccount.name)
    return [(str(row.id), row.name) for row in request.db.execute(rows)]


def providers_page(
    request: Request, given: dict[str, Any], error: AutoLoopError | None = None
) -> dict[str, Any]:
    rows = request.db.execute(
        request.services(ProviderAccounts).rows().order_by(ProviderAccount.name).limit(500)
    )
    known = kinds(request.registrations)
    chosen = given.get("provider") or request.GET.get("kind") or ""
    kind = next((each for each in known if each["name"] == chosen), None)
    return {
        "rows": list(rows),
        "kinds": known,
        "kind": kind,
        "fields": fields(kind, {}) if kind else [],
        "given": given,
        "error": refuse(request, error),
    }


def provider_page(
    request: Request, row: Any, given: dict[str, Any], error: AutoLoopError | None = None
) -> dict[str, Any]:
    kind = next((each for each in kinds(request.registrations) if each["name"] == row.provider), None)
    return {
        "row": row,
        "kind": kind,
        "connecting": request.services(Connecting).shown(row),
        "limit": request.services(Limits).of(account_id=row.id),
        "fields": fields(kind, row.config) if kind else [],
        "listens": bool(row.webhook_url) and request.services(ProviderAccounts).takes_events(row.id),
        "others": [option for option in account_options(request) if option[0] != str(row.id)],
        "given": {"name": row.name} | given,
        "error": refuse(request, error),
    }


def suppressions_page(
    request: Request, given: dict[str, Any], error: AutoLoopError | None = None
) -> dict[str, Any]:
    request.filters = read_query(request, schemas.SuppressionsQuery(), many=True)
    return {
        "page": suppression_rows(request),
        "filters": request.filters,
        "reasons": REASONS,
        "given": given,
        "error": refuse(request, error),
    }


def fields(kind: dict[str, Any], config: dict[str, Any]) -> list[dict[str, Any]]:
    """A provider's settings as form fields, drawn from its JSON Schema."""
    drawn = []
    for name, spec in kind["config"]["properties"].items():
        secret = name in kind["secrets"]
        drawn.append(
            {
                "name": f"config.{name}",
                "title": spec.get("title", name),
                "help": spec.get("description", ""),
                "type": "password" if secret else "number" if spec.get("type") == "integer" else "text",
                "options": [(each, each) for each in spec.get("enum", [])],
                "value": "" if secret else config.get(name, spec.get("default", "")),
                "required": name in kind["config"]["required"],
                "long": spec.get("x-ui", {}).get("widget") == "textarea",
            }
        )
    return drawn


def nested(given: dict[str, str]) -> dict[str, Any]:
    """`config.host` and its like as one mapping under `config`."""
    config = {key.removeprefix("config."): value for key, value in given.items() if key.startswith("config.")}
    rest: dict[str, Any] = {key: value for key, value in given.items() if not key.startswith("config.")}
    return rest | ({"config": config} if config else {})
