"""Erasing a person: what runs wrote down about them goes with them. Exporting: it is told to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.services import Services

__all__ = ["erase", "export"]

# Runs, waits, stimuli and events go by foreign key; the journal has none.
JOURNAL = text("""
delete from run_steps s using workflow_runs r
where r.workspace_id = :workspace and r.contact_id = any(cast(:contacts as uuid[]))
  and s.workspace_id = r.workspace_id and s.run_id = r.id
""")


def erase(services: Services, contact_ids: Sequence[UUID]) -> None:
    """Delete the journals of these contacts' runs. Called before the contacts are deleted."""
    values = {"workspace": services.workspace_id, "contacts": list(contact_ids)}
    services.session.execute(JOURNAL, values)


EVENTS = text("""
select name, data, source, occurred_at from events
where workspace_id = :workspace and contact_id = :contact order by id limit 10000""")

RUNS = text("""
select w.name as workflow, r.trigger, r.status, r.reason, r.started_at, r.ended_at
from workflow_runs r
join automation_workflows w on w.workspace_id = r.workspace_id and w.id = r.workflow_id
where r.workspace_id = :workspace and r.contact_id = :contact order by r.id limit 10000""")


def export(services: Services, contact_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """The exporter "engine": a contact's events and its ways through workflows, oldest first."""
    given = {"workspace": services.workspace_id, "contact": contact_id}
    return {
        name: [dict(row) for row in services.session.execute(statement, given).mappings()]
        for name, statement in (("events", EVENTS), ("workflows", RUNS))
    }
