"""What counts against a sender: hard bounces and complaints of its mail, each email's once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.services import Services

__all__ = ["CALM", "note"]

CALM = 5  # seconds at least between two looks at the same sender

# Told twice, it counts once: the email and the kind are the key. Who has a new one is looked at soon.
NOTE = text(f"""
with new as (
  insert into sender_mishaps (workspace_id, email_id, kind, sender_id, sent_at, refused)
  select distinct e.workspace_id, e.id, u.kind, e.sender_id, coalesce(e.sent_at, e.settled_at), e.sent_at is null
  from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), cast(:kinds as text[])) u(tenant, id, kind)
  join email_logs e on e.workspace_id = u.tenant and e.id = u.id
  where e.sender_id is not null and (e.sent_at is not null or e.status = 'rejected') and e.kind in ('marketing', 'transactional')
  on conflict do nothing returning workspace_id, sender_id),
concerned as (
  select s.workspace_id, s.id from senders s
  where s.health_due_at is null and (s.workspace_id, s.id) in (select workspace_id, sender_id from new)
  order by s.workspace_id, s.id for no key update of s)
update senders s
set health_due_at = greatest(clock_timestamp(), s.health_checked_at + make_interval(secs => {CALM}))
from concerned c where s.workspace_id = c.workspace_id and s.id = c.id""")


def note(services: Services, told: Sequence[tuple[UUID, UUID, str]]) -> None:
    """Write down (workspace_id, email_id, "bounce" or "complaint"). Ids that name no mail are passed over."""
    if not told:
        return
    given: Mapping[str, Any] = {
        "tenants": [each[0] for each in told],
        "ids": [each[1] for each in told],
        "kinds": [each[2] for each in told],
    }
    services.session.execute(NOTE, given)
    services.nudge("sender_health")
