"""The JSON door of senders, provider accounts and suppressions."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.mail import resources, schemas
from autoloop.mail.models import ProviderAccount, Sender, Suppression
from autoloop.mail.services.accounts import ProviderAccounts, kinds
from autoloop.mail.services.senders import Senders
from autoloop.mail.services.suppressions import Suppressions
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, matching, order_of
from autoloop.web.permissions import Permission

# -- senders


@api_view(context=resources.Senders, permission=Permission.READ, out=schemas.SenderOut, many=True)
def senders(context: resources.Senders, request: Request) -> Page:
    """The From identities of the workspace."""
    rows = request.services(Senders).rows()
    order = order_of(
        request.filters["sort"], {"name": Sender.name, "created_at": Sender.created_at}, default="name"
    )
    return fetch_page(
        request.db,
        matching(request.filters, rows, Sender.name, Sender.address),
        order,
        Sender.id,
        request.filters,
    )


@api_view(
    context=resources.Senders,
    method="POST",
    permission=Permission.MANAGE_SENDERS,
    body=schemas.CreateSender,
    out=schemas.SenderOut,
)
def create_sender(context: resources.Senders, request: Request) -> Any:
    """Make a sender. The first one is the default."""
    return request.services(Senders).create(request.validated)


@api_view(context=resources.Sender, permission=Permission.READ, out=schemas.SenderOut)
def sender(context: resources.Sender, request: Request) -> Any:
    """One sender, with what it used of its cap today."""
    return context.row


@api_view(
    context=resources.Sender,
    method="PATCH",
    permission=Permission.MANAGE_SENDERS,
    body=schemas.ChangeSender,
    out=schemas.SenderOut,
)
def change_sender(context: resources.Sender, request: Request) -> Any:
    """Change a sender, pause it, or make it the default."""
    return request.services(Senders).change(context.row.id, with_cap(request.validated))


@api_view(context=resources.Sender, name="health", permission=Permission.READ, out=schemas.SenderHealthOut)
def sender_health(context: resources.Sender, request: Request) -> dict[str, Any]:
    """How much trouble the sender's mail caused, and what would pause it."""
    return request.services(Senders).health(context.row.id)


@api_view(context=resources.Sender, method="DELETE", permission=Permission.MANAGE_SENDERS)
def remove_sender(context: resources.Sender, request: Request) -> None:
    """Remove a sender; its emails keep its name."""
    request.services(Senders).remove(context.row.id)


# -- provider accounts


@api_view(
    context=resources.Providers, permission=Permission.MANAGE_PROVIDERS, out=schemas.AccountOut, many=True
)
def providers(context: resources.Providers, request: Request) -> Page:
    """The configured ways out; never their secrets."""
    rows = request.services(ProviderAccounts).rows()
    table = ProviderAccount
    order = order_of(
        request.filters["sort"], {"name": table.name, "created_at": table.created_at}, default="name"
    )
    return fetch_page(
        request.db,
        matching(request.filters, rows, table.name, table.provider),
        order,
        table.id,
        request.filters,
    )


@api_view(
    context=resources.Providers,
    name="kinds",
    permission=Permission.READ,
    out=schemas.ProviderKindOut,
    many=True,
)
def provider_kinds(context: resources.Providers, request: Request) -> Page:
    """The provider plugins there are, with their settings as JSON Schema."""
    return Page(kinds(request.registrations))


@api_view(
    context=resources.Providers,
    method="POST",
    permission=Permission.MANAGE_PROVIDERS,
    body=schemas.CreateAccount,
    out=schemas.AccountOut,
)
def create_provider(context: resources.Providers, request: Request) -> Any:
    """Configure a way out. The first one is the default."""
    return request.services(ProviderAccounts).create(request.validated)


@api_view(context=resources.Provider, permission=Permission.MANAGE_PROVIDERS, out=schemas.AccountOut)
def provider(context: resources.Provider, request: Request) -> Any:
    """One way out, and what is wrong with it."""
    return context.row


@api_view(
    context=resources.Provider,
    method="PATCH",
    permission=Permission.MANAGE_PROVIDERS,
    body=schemas.ChangeAccount,
    out=schemas.AccountOut,
)
def change_provider(context: resources.Provider, request: Request) -> Any:
    """Change a way out, switch it off, or make it the default."""
    return request.services(ProviderAccounts).change(context.row.id, request.validated)


@api_view(context=resources.Provider, method="DELETE", permission=Permission.MANAGE_PROVIDERS)
def remove_provider(context: resources.Provider, request: Request) -> None:
    """Remove a way out that nothing uses."""
    request.services(ProviderAccounts).remove(context.row.id)


# -- suppressions


@api_view(
    context=resources.Suppressions,
    permission=Permission.READ,
    query=schemas.SuppressionsQuery,
    out=schemas.SuppressionOut,
    many=True,
)
def suppressions(context: resources.Suppressions, request: Request) -> Page:
    """Addresses that must not be mailed, the newest first."""
    return suppression_rows(request)


@api_view(
    context=resources.Suppressions,
    method="POST",
    permission=Permission.EDIT,
    body=schemas.AddSuppression,
    out=schemas.SuppressionOut,
)
def suppress(context: resources.Suppressions, request: Request) -> Any:
    """Never mail this address, from the next message on."""
    given = request.validated
    return request.services(Suppressions).suppress(given["address"], note=given["note"])


@api_view(context=resources.Suppression, permission=Permission.READ, out=schemas.SuppressionOut)
def suppression(context: resources.Suppression, request: Request) -> Any:
    """One reason not to mail one address."""
    return context.row


@api_view(context=resources.Suppression, method="DELETE", permission=Permission.MANAGE_SENDERS)
def lift(context: resources.Suppression, request: Request) -> None:
    """Take this reason off the list. It is written into the audit."""
    request.services(Suppressions).lift(context.row.id)


def suppression_rows(request: Request) -> Page:
    rows = request.services(Suppressions).rows()
    if request.filters.get("reason"):
        rows = rows.where(Suppression.reason == request.filters["reason"])
    order = order_of(request.filters["sort"], {"id": Suppression.id}, default="-id")
    return fetch_page(
        request.db,
        matching(request.filters, rows, Suppression.address, Suppression.note),
        order,
        Suppression.id,
        request.filters,
    )


def with_cap(given: dict[str, Any]) -> dict[str, Any]:
    """`no_cap` and `no_ramp` take the daily limit and the warm-up away; values set them."""
    values = dict(given)
    if values.pop("no_cap", False):
        values["daily_cap"] = None
    if values.pop("no_ramp", False):
        values["ramp"] = None
    return values
