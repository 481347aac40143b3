"""A member's notifications: read, marked, and whether they come by mail too."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update

from autoloop.base.services import Service
from autoloop.workspaces.models import Member
from autoloop.workspaces.notifications.models import Notification

__all__ = ["Notifications"]


class Notifications(Service):
    """Those of the person who asks, in this workspace. Nobody sees another's."""

    def rows(self) -> Select[Any]:
        table = Notification
        shown = (
            table.id,
            table.title,
            table.body,
            table.said,
            table.contact_id,
            table.read_at,
            table.created_at,
        )
        return select(*shown).where(*self._mine())

    def find(self, id: UUID) -> Any | None:
        return self.session.execute(self.rows().where(Notification.id == id)).one_or_none()

    def unread(self) -> int:
        """How many wait, counted up to 100."""
        waiting = select(Notification.id).where(*self._mine(), Notification.read_at.is_(None)).limit(100)
        return self.session.scalar(select(func.count()).select_from(waiting.subquery())) or 0

    def mark_read(self, ids: Collection[UUID] | None = None) -> int:
        """Mark these, or all, as read; returns how many were not yet."""
        change = update(Notification).where(*self._mine(), Notification.read_at.is_(None))
        if ids is not None:
            change = change.where(Notification.id.in_(ids))
        done: Any = self.session.execute(change.values(read_at=self.clock.now()))
        return int(done.rowcount)

    def wants_mail(self) -> bool:
        return bool(self.session.scalar(select(Member.mail_notices).where(*self._me())))

    def set_mail(self, wanted: bool) -> None:
        """Whether notifications of this workspace come to the person by mail too."""
        self.session.execute(update(Member).where(*self._me()).values(mail_notices=wanted))

    def _mine(self) -> tuple[Any, ...]:
        return (
            Notification.workspace_id == self.workspace_id,
            Notification.user_id == self.services.user_id,
        )

    def _me(self) -> tuple[Any, ...]:
        return Member.workspace_id == self.workspace_id, Member.user_id == self.services.user_id
