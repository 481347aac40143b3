"""Erasing a person: what runs wrote down about them goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from autoloop.base.services import Services

__all__ = ["erase"]

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
