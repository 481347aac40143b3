"""Which of the rows that workflows name by id are there: templates and senders."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autoloop.base.services import Services
from autoloop.mail.models import EmailTemplate, Sender

__all__ = ["existing_senders", "existing_templates"]


def existing_templates(services: Services, ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that are templates of the workspace, archived ones not."""
    return _found(services, EmailTemplate, EmailTemplate.archived_at.is_(None), ids)


def existing_senders(services: Services, ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that are senders of the workspace, archived ones not."""
    return _found(services, Sender, Sender.status != "archived", ids)


def _found(services: Services, table: Any, there: Any, ids: Collection[UUID]) -> set[UUID]:
    rows = select(table.id).where(table.workspace_id == services.workspace_id, table.id.in_(ids), there)
    return set(services.session.scalars(rows))
