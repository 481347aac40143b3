"""The installation's audit: who changed accounts, sign-in, or the installation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from autoloop.accounts.models import AuditEvent
from autoloop.base.services import Service

__all__ = ["InstanceAudit"]


class InstanceAudit(Service):
    def note(self, action: str, *, user_id: UUID | None = None, subject: str = "", **data: Any) -> None:
        """Write down `noun.verb_past` in the transaction of the change. Never a secret, never a password."""
        self.session.add(
            AuditEvent(
                user_id=user_id or self.services.user_id,
                action=action,
                subject=subject,
                data=data,
                created_at=self.clock.now(),
            )
        )
