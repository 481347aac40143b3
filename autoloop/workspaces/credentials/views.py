"""The JSON door of credentials. Their secret parts only ever go in."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission
from autoloop.workspaces.credentials import kinds, models, resources, schemas, services


@api_view(context=resources.Credentials, permission=Permission.EDIT, out=schemas.CredentialOut, many=True)
def credentials(context: resources.Credentials, request: Request) -> Page:
    """The named secrets of the workspace, to choose from; never the secrets."""
    table = models.Credential
    rows = request.services(services.Credentials).rows()
    words = request.filters["q"]
    if words:
        rows = rows.where(table.name.icontains(words, autoescape=True))
    order = order_of(
        request.filters["sort"], {"name": table.name, "created_at": table.created_at}, default="name"
    )
    return fetch_page(request.db, rows, order, table.id, request.filters)


@api_view(
    context=resources.Credentials, name="kinds", permission=Permission.EDIT, out=schemas.KindOut, many=True
)
def credential_kinds(context: resources.Credentials, request: Request) -> Page:
    """The kinds of credentials, with their parts as JSON Schema."""
    return Page(kinds.kinds())


@api_view(
    context=resources.Credentials,
    method="POST",
    permission=Permission.MANAGE_CREDENTIALS,
    body=schemas.CreateCredential,
    out=schemas.CredentialOut,
)
def create_credential(context: resources.Credentials, request: Request) -> Any:
    """Keep a secret under a name. It is sealed, and never shown again."""
    return request.services(services.Credentials).create(request.validated)


@api_view(context=resources.Credential, permission=Permission.EDIT, out=schemas.CredentialOut)
def credential(context: resources.Credential, request: Request) -> Any:
    """One credential; never its secret."""
    return context.row


@api_view(
    context=resources.Credential,
    method="PATCH",
    permission=Permission.MANAGE_CREDENTIALS,
    body=schemas.ChangeCredential,
    out=schemas.CredentialOut,
)
def change_credential(context: resources.Credential, request: Request) -> Any:
    """Rename a credential or replace its parts. Steps use the new ones from their next attempt on."""
    return request.services(services.Credentials).change(context.row.id, request.validated)


@api_view(context=resources.Credential, method="DELETE", permission=Permission.MANAGE_CREDENTIALS)
def remove_credential(context: resources.Credential, request: Request) -> None:
    """Forget a credential that no running workflow names."""
    request.services(services.Credentials).remove(context.row.id)
