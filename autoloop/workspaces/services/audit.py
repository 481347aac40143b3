"""A workspace's audit: who changed rights, secrets or settings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from autoloop.accounts.models import User
from autoloop.base.services import Service
from autoloop.workspaces import models

__all__ = ["WorkspaceAudit"]


class WorkspaceAudit(Service):
    def note(self, action: str, *, user_id: UUID | None = None, subject: str = "", **data: Any) -> None:
        """Write down `noun.verb_past` in the transaction of the change. Never a secret.

        `data` is plain JSON: what changed, by name, with old and new values.
        """
        self.session.add(
            models.WorkspaceAudit(
                workspace_id=self.workspace_id,
                user_id=user_id or self.services.user_id,
                action=action,
                subject=subject,
                data=data,
                created_at=self.clock.now(),
            )
        )

    def rows(self) -> Select[Any]:
        """The workspace's entries with the name of who did it."""
        audit = models.WorkspaceAudit
        return (
            select(
                audit.id,
                audit.action,
                audit.subject,
                audit.data,
                audit.created_at,
                audit.user_id,
                User.name.label("user_name"),
            )
            .outerjoin(User, User.id == audit.user_id)
            .where(audit.workspace_id == self.workspace_id)
        )
