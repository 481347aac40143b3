"""Which workflows would miss a credential: live or paused ones, and those that runs still walk through."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from autoloop.base.services import Services

__all__ = ["credential_users"]

USERS = text("""
select distinct w.name from workflow_versions v
join automation_workflows w on w.workspace_id = v.workspace_id and w.id = v.workflow_id
where v.workspace_id = :workspace and strpos(v.graph::text, :id) > 0
  and ((v.id = w.live_version_id and w.status in ('live', 'paused')) or exists (
    select 1 from workflow_runs r
    where r.workspace_id = v.workspace_id and r.version_id = v.id and r.ended_at is null))
order by w.name limit 5
""")


def credential_users(services: Services, id: UUID) -> list[str]:
    """Their names, at most five."""
    values = {"workspace": services.workspace_id, "id": str(id)}
    return list(services.session.execute(USERS, values).scalars())
