"""The mail that an invitation goes out in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autoloop.accounts.models import User
from autoloop.base.i18n import _, kept, language_of, paragraphs, said
from autoloop.base.ids import new_id
from autoloop.base.services import Services
from autoloop.workspaces.services import Workspaces

if TYPE_CHECKING:
    from autoloop.workspaces.invitations.models import Invitation

__all__ = ["send_letter"]


def send_letter(services: Services, invitation: Invitation, link: str) -> bool:
    """Queue the link for the invited address; False where system mail would not leave the installation."""
    send, leaves = services.registrations.system_mail, services.registrations.system_mail_leaves
    if send is None or leaves is None or not leaves(services):
        return False
    workspace = services(Workspaces).current()
    inviter = services.session.get(User, invitation.invited_by) if invitation.invited_by else None
    named = {"who": inviter.name if inviter else "AutoLoop", "workspace": workspace.name, "link": link}
    language = language_of(workspace.locale)
    subject = said(kept(_("${who} invites you to ${workspace}", mapping=named)), language)
    body = paragraphs(
        _("${who} invites you to work in the workspace “${workspace}” on AutoLoop.", mapping=named),
        _("Open this link to join. It works for seven days:\n${link}", mapping=named),
        _("If you do not know why you got this, leave it: nothing happens."),
    )
    send(
        services,
        purpose="invitation",
        key=str(new_id()),
        to=invitation.email,
        subject=" ".join(subject.split())[:200],
        body=said(kept(body), language) + "\n",
    )
    return True
