"""Invitations: made, sent again, revoked, accepted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, select

from autoloop.accounts.models import User
from autoloop.accounts.services import Users
from autoloop.accounts.services.users import normal_email
from autoloop.base.crypto import digest, new_token
from autoloop.base.errors import Conflict, NotFound
from autoloop.base.i18n import _
from autoloop.base.services import Service
from autoloop.workspaces.invitations.letters import send_letter
from autoloop.workspaces.invitations.models import Invitation
from autoloop.workspaces.models import Member
from autoloop.workspaces.services import Members, WorkspaceAudit, Workspaces

__all__ = ["MOST_OPEN", "Found", "Invitations", "Sent"]

VALID = timedelta(days=7)
KEPT = timedelta(days=30)  # beyond which a link is only unknown
MOST_OPEN = 100
OPEN = (Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))


@dataclass(frozen=True)
class Sent:
    """An invitation whose link is known this once. `mailed`: it goes to the address by mail too."""

    id: UUID
    link: str
    mailed: bool


@dataclass(frozen=True)
class Found:
    """What a link leads to. `ended` is None while it is open, else used, revoked or expired."""

    invitation: Invitation
    workspace: str
    slug: str
    inviter: str | None
    ended: str | None


class Invitations(Service):
    """Changes go one after the other with those of the members."""

    def rows(self) -> Select[Any]:
        """Open invitations with the name of who invited; those too old too."""
        columns = (getattr(Invitation, field) for field in ("id", "email", "role", "invited_by"))
        times = (Invitation.created_at, Invitation.updated_at, Invitation.expires_at)
        expired = (Invitation.expires_at <= self.clock.now()).label("expired")
        return (
            select(*columns, *times, expired, User.name.label("invited_by_name"))
            .outerjoin(User, User.id == Invitation.invited_by)
            .where(Invitation.workspace_id == self.workspace_id, *OPEN)
        )

    def find(self, id: UUID) -> Row[Any] | None:
        return self.session.execute(self.rows().where(Invitation.id == id)).one_or_none()

    def invite(self, email: str, role: str, *, by: str) -> Sent:
        """Invite an address. `by` is the role of who does it.

        Raises Invalid (address, role), Forbidden (only owners invite owners), Conflict (a member, invited already,
        100 invitations are open).
        """
        self.services(Members).may_give(by, role)
        email = normal_email(email)
        self.services(Workspaces).current(lock=True)
        self._forget_old()
        self._check_free(email)
        row = Invitation(workspace_id=self.workspace_id, email=email, role=role)
        sent = self._send(row)
        self.services(WorkspaceAudit).note("invitation.sent", subject=str(row.id), email=email, role=role)
        return sent

    def send_again(self, id: UUID, *, by: str) -> Sent:
        """A new link for seven days; the one before stops working. Raises NotFound, Forbidden."""
        row = self._open(id)
        self.services(Members).may_give(by, row.role)
        sent = self._send(row)
        self.services(WorkspaceAudit).note("invitation.sent_again", subject=str(id), email=row.email)
        return sent

    def revoke(self, id: UUID, *, by: str) -> None:
        """The link stops working. Raises NotFound, Forbidden."""
        row = self._open(id)
        self.services(Members).may_give(by, row.role)
        row.revoked_at = self.clock.now()
        self.session.flush()
        self.services(WorkspaceAudit).note("invitation.revoked", subject=str(id), email=row.email)

    def by_token(self, token: str, *, lock: bool = False) -> Found:
        """What the link leads to; enters its workspace, and with `lock` holds up changes of it. Raises NotFound."""
        try:
            self.services.enter(UUID(hex=token[:32]))
        except ValueError:
            raise NotFound from None
        workspace = self.services(Workspaces).current(lock=lock)
        query = select(Invitation).where(
            Invitation.workspace_id == self.workspace_id, Invitation.token_hash == digest(token)
        )
        row = self.session.scalar(query.with_for_update() if lock else query)
        if row is None:
            raise NotFound
        inviter = self.session.get(User, row.invited_by) if row.invited_by else None
        return Found(row, workspace.name, workspace.slug, inviter.name if inviter else None, self._ended(row))

    def accept(self, token: str, user: User) -> str:
        """Let this person in; returns the workspace's slug. Who is a member already keeps their role.

        Raises NotFound and Conflict (used, revoked, expired, for another address).
        """
        found = self.by_token(token, lock=True)
        row = found.invitation
        if found.ended is not None:
            raise Conflict(_("This invitation does not work any more."), code="INVITATION_ENDED")
        if user.email != row.email:
            raise Conflict(_("This invitation is for another address."), code="OTHER_ADDRESS")
        row.accepted_at = self.clock.now()
        if self.session.get(Member, (self.workspace_id, user.id)) is None:
            self.add(Member(workspace_id=self.workspace_id, user_id=user.id, role=row.role))
        self.session.flush()
        self.services(WorkspaceAudit).note(
            "invitation.accepted", user_id=user.id, subject=str(row.id), role=row.role
        )
        return found.slug

    def accept_as_new(self, token: str, name: str, password: str) -> tuple[User, str]:
        """Make the invited address an account and let it in. Raises what `accept` and `Users.create` raise."""
        found = self.by_token(token, lock=True)
        if found.ended is not None:
            raise Conflict(_("This invitation does not work any more."), code="INVITATION_ENDED")
        user = self.services(Users).create(found.invitation.email, name, password)
        return user, self.accept(token, user)

    def _send(self, row: Invitation) -> Sent:
        token = self.workspace_id.hex + new_token()  # row-level security needs to know where to look
        row.token_hash, row.expires_at = digest(token), self.clock.now() + VALID
        row.invited_by = self.services.user_id
        self.add(row)
        link = f"{self.settings.public_url.rstrip('/')}/auth/join?token={token}"
        return Sent(row.id, link, send_letter(self.services, row, link))

    def _ended(self, row: Invitation) -> str | None:
        if row.accepted_at is not None:
            return "used"
        if row.revoked_at is not None:
            return "revoked"
        return "expired" if row.expires_at <= self.clock.now() else None

    def _open(self, id: UUID) -> Invitation:
        self.services(Workspaces).current(lock=True)
        row = self.session.get(
            Invitation, (self.workspace_id, id), populate_existing=True, with_for_update=True
        )
        if row is None or row.accepted_at is not None or row.revoked_at is not None:
            raise NotFound
        return row

    def _check_free(self, email: str) -> None:
        if self.session.scalar(self.services(Members).rows().where(User.email == email).limit(1)):
            raise Conflict(_("This person is a member already."), code="IS_MEMBER")
        emails = select(Invitation.email).where(Invitation.workspace_id == self.workspace_id, *OPEN)
        if self.session.scalar(emails.where(Invitation.email == email)) is not None:
            raise Conflict(
                _("This address is invited already. Send the invitation again, or revoke it first."),
                code="IS_INVITED",
            )
        if (self.session.scalar(select(func.count()).select_from(emails.subquery())) or 0) >= MOST_OPEN:
            raise Conflict(
                _("At most 100 invitations are open at once. Revoke some first."),
                code="TOO_MANY_INVITATIONS",
            )

    def _forget_old(self) -> None:
        self.session.execute(
            delete(Invitation).where(
                Invitation.workspace_id == self.workspace_id,
                Invitation.expires_at < self.clock.now() - KEPT,
            )
        )
