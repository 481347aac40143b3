"""A contact's runs, as entries of its timeline."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.services import Services

__all__ = ["timeline"]

RUNS = text("""
select r.id, w.name, r.status, r.reason, r.is_test, r.started_at, r.moved_at from workflow_runs r
join automation_workflows w on w.workspace_id = r.workspace_id and w.id = r.workflow_id
where r.workspace_id = :workspace and r.contact_id = :contact order by r.id desc limit :limit
""")


def timeline(services: Services, contact_id: UUID, limit: int = 50) -> list[dict[str, Any]]:
    """A contact's runs as {at, kind, title, text, icon, id}, newest first."""
    given = {"workspace": services.workspace_id, "contact": contact_id, "limit": limit}
    return [
        {
            "at": row["moved_at"],
            "kind": "run",
            "title": row["name"],
            "text": " · ".join(part for part in (_said(row), row["reason"]) if part),
            "icon": "workflow",
            "id": row["id"],
        }
        for row in services.session.execute(RUNS, given).mappings()
    ]


def _said(row: Any) -> str:
    status = str(row["status"]).capitalize()
    return f"Test: {status}" if row["is_test"] else status
