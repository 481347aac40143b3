"""What becomes of notifications when the contact they are about is erased, or merged into another."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, update

from autoloop.base.services import Services
from autoloop.workspaces.notifications.models import Notification

__all__ = ["erase", "merge"]


def erase(services: Services, contact_ids: Sequence[UUID]) -> None:
    """Delete what members were told about these contacts. Called before the contacts are deleted."""
    mine = Notification.workspace_id == services.workspace_id
    services.session.execute(delete(Notification).where(mine, Notification.contact_id.in_(contact_ids)))


def merge(services: Services, keep: UUID, gone: UUID) -> None:
    """Let notifications lead to the contact that stays."""
    mine = Notification.workspace_id == services.workspace_id
    change = update(Notification).where(mine, Notification.contact_id == gone)
    services.session.execute(change.values(contact_id=keep))
