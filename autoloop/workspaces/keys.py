"""Making and revoking API keys, with the workspace's audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from autoloop.accounts.services import ApiKeys
from autoloop.base.services import Services
from autoloop.workspaces.services import WorkspaceAudit

__all__ = ["create_key", "revoke_key"]


def create_key(
    services: Services, name: str, scopes: Sequence[str], expires_at: datetime | None = None
) -> tuple[Row[Any], str]:
    """A key of the caller to this workspace: its row as lists show it, and its text."""
    made, key = services(ApiKeys).create(name, scopes, expires_at)
    services(WorkspaceAudit).note(
        "api_key.created", subject=str(made.id), name=made.name, prefix=made.prefix, scopes=made.scopes
    )
    row = services(ApiKeys).find(made.id)
    assert row is not None
    return row, key


def revoke_key(services: Services, id: UUID) -> None:
    """Refused from the next request on. Raises NotFound."""
    row = services(ApiKeys).revoke(id)
    services(WorkspaceAudit).note("api_key.revoked", subject=str(id), name=row.name, prefix=row.prefix)
