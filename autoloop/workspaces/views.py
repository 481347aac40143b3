"""The JSON door of workspaces."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.accounts.models import ApiKey as ApiKeyRow
from autoloop.accounts.models import User
from autoloop.accounts.resources import Auth
from autoloop.accounts.services import ApiKeys as KeyService
from autoloop.accounts.sign_in import begin, limit
from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, matching, order_of
from autoloop.web.permissions import Permission
from autoloop.web.tree import Node
from autoloop.workspaces import models, schemas, services
from autoloop.workspaces.keys import create_key, revoke_key
from autoloop.workspaces.resources import (
    ApiKey,
    ApiKeys,
    Audit,
    Member,
    Members,
    Settings,
    Workspace,
    Workspaces,
)


@api_view(
    context=Auth,
    method="POST",
    name="claim",
    permission=Permission.PUBLIC,
    body=schemas.Claim,
    out=schemas.ClaimedOut,
    status=201,
)
def claim(context: Auth, request: Request) -> dict[str, Any]:
    """Take a fresh installation by its claim link: the first account, its workspace, and a session."""
    limit(request)
    user, workspace = request.services(services.Claiming).claim(request.validated)
    begin(request, user, "claim")
    return {"user_id": str(user.id), "workspace": workspace.slug}


@api_view(context=Workspaces, permission=Permission.SIGNED_IN, out=schemas.WorkspaceRowOut, many=True)
def workspaces(context: Workspaces, request: Request) -> Page:
    """Your workspaces; with an API key, the one of the key."""
    return workspace_rows(request)


@api_view(
    context=Workspaces,
    method="POST",
    permission=Permission.CREATE_WORKSPACE,
    body=schemas.CreateWorkspace,
    out=schemas.WorkspaceOut,
)
def create_workspace(context: Workspaces, request: Request) -> dict[str, Any]:
    """Make a workspace, with you as its owner."""
    given = request.validated
    made = request.services(services.Workspaces).create(
        given["name"], request.identity.user_id, slug=given["slug"], timezone=given["timezone"]
    )
    return workspace_row(made) | {"role": "owner"}


@api_view(context=Workspace, permission=Permission.READ, out=schemas.WorkspaceOut)
def workspace(context: Workspace, request: Request) -> Any:
    """A workspace and your role in it."""
    return context.row


@api_view(context=Settings, permission=Permission.READ, out=schemas.SettingsOut)
def settings(context: Settings, request: Request) -> Any:
    """The workspace's settings."""
    return context.row


@api_view(
    context=Settings,
    method="PATCH",
    permission=Permission.MANAGE_WORKSPACE,
    body=schemas.ChangeSettings,
    out=schemas.SettingsOut,
)
def change_settings(context: Settings, request: Request) -> Any:
    """Change the workspace's settings. An old address keeps leading here."""
    changed = request.services(services.Workspaces).change(request.validated)
    request.db.refresh(changed)
    return changed


@api_view(context=Members, permission=Permission.READ, out=schemas.MemberOut, many=True)
def members(context: Members, request: Request) -> Page:
    """Who is in the workspace."""
    order = order_of(
        request.filters["sort"], {"name": User.name, "email": User.email, "id": User.id}, default="name"
    )
    return fetch_page(
        request.db,
        matching(request.filters, request.services(services.Members).rows(), User.name, User.email),
        order,
        User.id,
        request.filters,
        count=True,
    )


@api_view(
    context=Members,
    method="POST",
    permission=Permission.MANAGE_MEMBERS,
    body=schemas.AddMember,
    out=schemas.MemberOut,
)
def add_member(context: Members, request: Request) -> Any:
    """Let a person who has an account in."""
    given = request.validated
    return request.services(services.Members).add_member(given["email"], given["role"], by=role(context))


@api_view(context=Member, permission=Permission.READ, out=schemas.MemberOut)
def member(context: Member, request: Request) -> Any:
    """One member."""
    return context.row


@api_view(
    context=Member,
    method="PATCH",
    permission=Permission.MANAGE_MEMBERS,
    body=schemas.ChangeMember,
    out=schemas.MemberOut,
)
def change_member(context: Member, request: Request) -> Any:
    """Change a member's role, from their next request on."""
    return request.services(services.Members).change_role(
        context.row.id, request.validated["role"], by=role(context)
    )


@api_view(context=Member, method="DELETE", permission=Permission.MANAGE_MEMBERS)
def remove_member(context: Member, request: Request) -> None:
    """Put a member out, and revoke their keys to this workspace."""
    request.services(services.Members).remove(context.row.id, by=role(context))


@api_view(context=Members, method="POST", name="leave", permission=Permission.LEAVE)
def leave(context: Members, request: Request) -> None:
    """Leave the workspace; your keys to it are revoked. The last owner cannot."""
    request.services(services.Members).remove(request.identity.user_id, by=role(context))


@api_view(context=ApiKeys, permission=Permission.MANAGE_KEYS, out=schemas.ApiKeyOut, many=True)
def api_keys(context: ApiKeys, request: Request) -> Page:
    """The keys of the workspace, revoked ones too; never their text."""
    order = order_of(
        request.filters["sort"],
        {"created_at": ApiKeyRow.created_at, "name": ApiKeyRow.name},
        default="-created_at",
    )
    rows = matching(request.filters, request.services(KeyService).rows(), ApiKeyRow.name, ApiKeyRow.prefix)
    return fetch_page(request.db, rows, order, ApiKeyRow.id, request.filters, count=True)


@api_view(
    context=ApiKeys,
    method="POST",
    permission=Permission.MANAGE_KEYS,
    body=schemas.CreateApiKey,
    out=schemas.NewApiKeyOut,
)
def create_api_key(context: ApiKeys, request: Request) -> dict[str, Any]:
    """Make a key that acts for you in this workspace. The answer is the only place that has its text."""
    if "Idempotency-Key" in request.headers:
        raise Invalid(
            _("A key's text is not kept, so the answer cannot be repeated. Leave Idempotency-Key out.")
        )
    given = request.validated
    row, key = create_key(request.services, given["name"], given["scopes"], given["expires_at"])
    return dict(row._mapping) | {"key": key}


@api_view(context=ApiKey, permission=Permission.MANAGE_KEYS, out=schemas.ApiKeyOut)
def api_key(context: ApiKey, request: Request) -> Any:
    """One key; never its text."""
    return context.row


@api_view(context=ApiKey, method="DELETE", permission=Permission.MANAGE_KEYS)
def revoke_api_key(context: ApiKey, request: Request) -> None:
    """Revoke the key: it is refused from the next request on. It stays in the list."""
    revoke_key(request.services, context.row.id)


@api_view(
    context=Audit,
    permission=Permission.MANAGE_WORKSPACE,
    query=schemas.AuditQuery,
    out=schemas.AuditOut,
    many=True,
)
def audit(context: Audit, request: Request) -> Page:
    """Who changed rights, secrets and settings; the newest first."""
    return audit_rows(request)


def workspace_rows(request: Request) -> Page:
    rows = request.services(services.Workspaces).of(request.identity.user_id)
    if request.identity.key_workspace_id is not None:
        rows = rows.where(models.Workspace.id == request.identity.key_workspace_id)
    allowed = {"name": models.Workspace.name, "created_at": models.Workspace.created_at}
    order = order_of(request.filters["sort"], allowed, default="name")
    rows = matching(request.filters, rows, models.Workspace.name, models.Workspace.slug)
    return fetch_page(request.db, rows, order, models.Workspace.id, request.filters, count=True)


def audit_rows(request: Request) -> Page:
    table = models.WorkspaceAudit
    rows = request.services(services.WorkspaceAudit).rows()
    if request.filters["action"]:
        rows = rows.where(table.action == request.filters["action"])
    order = order_of(request.filters["sort"], {"created_at": table.created_at}, default="-created_at")
    return fetch_page(
        request.db, matching(request.filters, rows, table.action), order, table.id, request.filters
    )


def workspace_row(row: models.Workspace) -> dict[str, Any]:
    fields = ("id", "slug", "name", "timezone", "locale", "postal_address", "created_at")
    return {field: getattr(row, field) for field in fields}


def role(context: Node) -> str:
    """The caller's role in the workspace above."""
    from pyramid.traversal import find_interface

    above: Workspace = find_interface(context, Workspace)
    return above.role
