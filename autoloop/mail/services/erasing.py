"""Erasing a person: mail that waits is called off, and the log forgets who it went to."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from autoloop.base.services import Services

__all__ = ["erase"]

# A row that is `sending` is in a worker's hands: its address stays until its fate is known.
FORGET = text("""
update email_logs set to_address = '', to_name = '', context = '{}', content = null, subject = null,
  status = case when status = 'intent' then 'cancelled' else status end,
  reason = case when status = 'intent' then 'The contact was deleted' else reason end,
  settled_at = coalesce(settled_at, clock_timestamp()), updated_at = now()
where workspace_id = :workspace and contact_id = any(cast(:contacts as uuid[])) and status <> 'sending'
""")


def erase(services: Services, contact_ids: Sequence[UUID]) -> None:
    """Call off and blank the emails of these contacts. Called before the contacts are deleted."""
    values = {"workspace": services.workspace_id, "contacts": list(contact_ids)}
    services.session.execute(FORGET, values)
