"""What was mailed to whom: a fact of steps, and part of a contact's timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.services import Services

__all__ = ["email_history", "timeline"]

HISTORY = text("""
select u.contact, e.* from unnest(cast(:tenants as uuid[]), cast(:contacts as uuid[])) u(tenant, contact)
cross join lateral (
  select e.id, e.run_id, e.workflow_id, e.node, e.status, e.kind, e.subject, v.template_id, e.created_at, e.sent_at
  from email_logs e
  left join email_template_versions v on v.workspace_id = e.workspace_id and v.id = e.template_version_id
  where e.workspace_id = u.tenant and e.contact_id = u.contact order by e.id desc limit 100) e
order by e.id""")

TIMELINE = text("""
select id, status, subject, reason, created_at, sent_at, settled_at from email_logs
where workspace_id = :workspace and contact_id = :contact order by id desc limit :limit""")


def email_history(
    services: Services, keys: Sequence[tuple[UUID, UUID]]
) -> dict[UUID, list[Mapping[str, Any]]]:
    """The fact loader "email_history": each contact's last 100 emails, oldest first, in one statement."""
    given = {"tenants": [key[0] for key in keys], "contacts": [key[1] for key in keys]}
    found: dict[UUID, list[Mapping[str, Any]]] = {key[1]: [] for key in keys}
    for row in services.session.execute(HISTORY, given).mappings():
        entry = {
            "email_id": str(row["id"]),
            **{key: str(row[key]) if row[key] else None for key in ("run_id", "workflow_id", "template_id")},
            **{key: row[key] for key in ("node", "status", "kind", "subject", "created_at", "sent_at")},
        }
        found[row["contact"]].append(entry)
    return found


def timeline(services: Services, contact_id: UUID, limit: int = 50) -> list[dict[str, Any]]:
    """A contact's emails as entries of its timeline: {at, kind, title, text, id}, newest first."""
    given = {"workspace": services.workspace_id, "contact": contact_id, "limit": limit}
    return [
        {
            "at": row["settled_at"] or row["created_at"],
            "kind": "email",
            "title": row["subject"] or "Email",
            "text": " · ".join(part for part in (row["status"].capitalize(), row["reason"]) if part),
            "icon": "mail",
            "id": row["id"],
        }
        for row in services.session.execute(TIMELINE, given).mappings()
    ]
