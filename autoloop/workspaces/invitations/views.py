"""The JSON door of invitations."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.base.errors import Invalid, TooMany
from autoloop.base.i18n import _
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, matching, order_of
from autoloop.web.permissions import Permission
from autoloop.workspaces.invitations import models, schemas
from autoloop.workspaces.invitations.resources import Invitation, Invitations
from autoloop.workspaces.invitations.services import Invitations as Service
from autoloop.workspaces.invitations.services import Sent
from autoloop.workspaces.views import role


@api_view(context=Invitations, permission=Permission.MANAGE_MEMBERS, out=schemas.InvitationOut, many=True)
def invitations(context: Invitations, request: Request) -> Page:
    """Who is invited and has not joined yet; those whose link is too old too."""
    table = models.Invitation
    order = order_of(
        request.filters["sort"],
        {"created_at": table.created_at, "email": table.email},
        default="-created_at",
    )
    rows = matching(request.filters, request.services(Service).rows(), table.email)
    return fetch_page(request.db, rows, order, table.id, request.filters, count=True)


@api_view(
    context=Invitations,
    method="POST",
    permission=Permission.MANAGE_MEMBERS,
    body=schemas.Invite,
    out=schemas.SentInvitationOut,
)
def invite(context: Invitations, request: Request) -> dict[str, Any]:
    """Invite an address. The answer is the only place that has the link, besides the mail."""
    limit(request)
    given = request.validated
    return shown(request, request.services(Service).invite(given["email"], given["role"], by=role(context)))


@api_view(context=Invitation, permission=Permission.MANAGE_MEMBERS, out=schemas.InvitationOut)
def invitation(context: Invitation, request: Request) -> Any:
    """One open invitation; never its link."""
    return context.row


@api_view(
    context=Invitation,
    method="POST",
    name="send-again",
    permission=Permission.MANAGE_MEMBERS,
    out=schemas.SentInvitationOut,
    status=200,
)
def send_again(context: Invitation, request: Request) -> dict[str, Any]:
    """A new link, for seven days; the one before stops working."""
    limit(request)
    return shown(request, request.services(Service).send_again(context.row.id, by=role(context)))


@api_view(context=Invitation, method="DELETE", permission=Permission.MANAGE_MEMBERS)
def revoke(context: Invitation, request: Request) -> None:
    """Revoke the invitation: its link stops working."""
    request.services(Service).revoke(context.row.id, by=role(context))


def limit(request: Request) -> None:
    """So many invitations a minute of one person: each is a mail to a stranger. Raises TooMany."""
    if "Idempotency-Key" in request.headers:
        raise Invalid(_("A link is not kept, so the answer cannot be repeated. Leave Idempotency-Key out."))
    allowed = request.runtime.settings.sign_in_limit_per_minute
    verdict = request.registry.limits.hit("invite", str(request.identity.user_id), allowed, 60)
    if not verdict.ok:
        raise TooMany(retry_after=verdict.reset)


def shown(request: Request, sent: Sent) -> dict[str, Any]:
    row = request.services(Service).find(sent.id)
    assert row is not None
    request.response.cache_control = "no-store"
    return dict(row._mapping) | {"link": sent.link, "mailed": sent.mailed}
