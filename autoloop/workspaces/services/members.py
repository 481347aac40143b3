"""Members: who is in a workspace, and in which role."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select

from autoloop.accounts.models import User
from autoloop.accounts.services import ApiKeys, Users
from autoloop.base.choices import MOST, Choice
from autoloop.base.errors import Conflict, Forbidden, Invalid, NotFound
from autoloop.base.i18n import _
from autoloop.base.services import Service, Services
from autoloop.workspaces.models import ROLE_NAMES, Member
from autoloop.workspaces.services.audit import WorkspaceAudit
from autoloop.workspaces.services.workspaces import Workspaces

__all__ = ["Members", "members_to_choose"]


class Members(Service):
    """Changes of one workspace's members go one after the other, so that there is always an owner."""

    def rows(self) -> Select[Any]:
        """The members with name and address; `id` is the person's."""
        return (
            select(User.id, User.name, User.email, Member.role, Member.created_at, Member.updated_at)
            .join(Member, Member.user_id == User.id)
            .where(Member.workspace_id == self.workspace_id)
        )

    def find(self, user_id: UUID) -> Row[Any] | None:
        return self.session.execute(self.rows().where(User.id == user_id)).one_or_none()

    def add_member(self, email: str, role: str, *, by: str) -> Row[Any]:
        """Let a person who has an account in. `by` is the role of who does it.

        Raises Invalid (no account, no such role), Conflict (in already), Forbidden (only owners make owners).
        """
        self.may_give(by, role)
        user = self.services(Users).by_email(email)
        if user is None or user.deactivated_at is not None:
            raise Invalid(
                details={"email": [_("There is no account with this address. Invite the person instead.")]}
            )
        self.services(Workspaces).current(lock=True)
        if self.session.get(Member, (self.workspace_id, user.id)) is not None:
            raise Conflict(_("This person is a member already."), code="IS_MEMBER")
        self.add(Member(workspace_id=self.workspace_id, user_id=user.id, role=role))
        self.services(WorkspaceAudit).note("member.added", subject=str(user.id), role=role)
        return self._row(user.id)

    def change_role(self, user_id: UUID, role: str, *, by: str) -> Row[Any]:
        """Another role, from the next request on. Raises NotFound, Invalid, Forbidden, Conflict (the last owner)."""
        member = self._locked(user_id)
        self.may_give(by, role, member.role)
        if member.role == role:
            return self._row(user_id)
        self._keep_an_owner(member, role)
        before, member.role = member.role, role
        self.session.flush()
        self.services(WorkspaceAudit).note(
            "member.role_changed", subject=str(user_id), before=before, after=role
        )
        return self._row(user_id)

    def remove(self, user_id: UUID, *, by: str) -> None:
        """Out, with their keys to this workspace. Raises NotFound, Forbidden, Conflict (the last owner)."""
        member = self._locked(user_id)
        if user_id != self.services.user_id:
            self.may_give(by, member.role)
        self._keep_an_owner(member, None)
        keys = self.services(ApiKeys).revoke_of(user_id)
        self.session.delete(member)
        self.session.flush()
        self.services(WorkspaceAudit).note(
            "member.removed", subject=str(user_id), role=member.role, keys_revoked=keys
        )

    def _locked(self, user_id: UUID) -> Member:
        self.services(Workspaces).current(lock=True)
        member = self.session.get(Member, (self.workspace_id, user_id), populate_existing=True)
        if member is None:
            raise NotFound
        return member

    def _row(self, user_id: UUID) -> Row[Any]:
        row = self.find(user_id)
        if row is None:
            raise NotFound
        return row

    def may_give(self, by: str, *roles: str) -> None:
        """Raises Invalid (no such role) and Forbidden: owners are the affair of owners."""
        if set(roles) - set(ROLE_NAMES):
            raise Invalid(details={"role": [_("Choose from: viewer, editor, admin, owner.")]})
        if "owner" in roles and by != "owner":
            raise Forbidden(_("Only an owner can make, change or remove owners."))

    def _keep_an_owner(self, member: Member, role: str | None) -> None:
        if member.role != "owner" or role == "owner":
            return
        owners = select(func.count()).where(Member.workspace_id == self.workspace_id, Member.role == "owner")
        if (self.session.scalar(owners) or 0) < 2:
            raise Conflict(
                _("A workspace has at least one owner. Make someone else an owner first."), code="LAST_OWNER"
            )


def members_to_choose(services: Services, q: str, keep: Collection[str]) -> list[Choice]:
    """Members for a form to choose from, by name."""
    rows = services.session.execute(services(Members).rows().order_by(User.name).limit(MOST))
    return [Choice(str(row.id), row.name or row.email, row.email if row.name else "") for row in rows]
