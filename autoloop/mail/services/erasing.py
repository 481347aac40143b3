"""Erasing a person: mail that waits is called off, and the log forgets who it went to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.services import Services
from autoloop.mail.addresses import HASH_SQL

__all__ = ["erase", "export"]

# A row that is `sending` is in a worker's hands: its address stays until its fate is known.
FORGET = text("""
update email_logs set to_address = '', to_name = '', context = '{}', content = null, subject = null,
  status = case when status = 'intent' then 'cancelled' else status end,
  reason = case when status = 'intent' then 'The contact was deleted' else reason end,
  settled_at = coalesce(settled_at, clock_timestamp()), updated_at = now()
where workspace_id = :workspace and contact_id = any(cast(:contacts as uuid[])) and status <> 'sending'
""")

# What forbids to mail them stays, by hash alone.
BLANK = text(f"""
update suppressions s set address = null, updated_at = now() from (
  select c.email_normal as address from business_contacts c
  where c.workspace_id = :workspace and c.id = any(cast(:contacts as uuid[])) and c.email_normal <> ''
  union select lower(e.to_address) from email_logs e
  where e.workspace_id = :workspace and e.contact_id = any(cast(:contacts as uuid[])) and e.to_address <> '') a
where s.workspace_id = :workspace and s.address_hash = {HASH_SQL.format(workspace="s.workspace_id", address="a.address")}
""")

EMAILS = text("""
select e.id, e.kind, e.status, e.reason, e.subject, e.to_address, s.name as sender, s.address as sender_address,
  e.created_at, e.sent_at from email_logs e
left join senders s on s.workspace_id = e.workspace_id and s.id = e.sender_id
where e.workspace_id = :workspace and e.contact_id = :contact order by e.id limit 10000""")

SUPPRESSED = text(f"""
select s.reason, s.created_at from suppressions s
join business_contacts c on c.workspace_id = s.workspace_id and c.id = :contact
where s.workspace_id = :workspace
  and s.address_hash = {HASH_SQL.format(workspace="s.workspace_id", address="c.email_normal")}
order by s.id""")


def erase(services: Services, contact_ids: Sequence[UUID]) -> None:
    """Call off and blank the emails of these contacts. Called before the contacts are deleted."""
    values = {"workspace": services.workspace_id, "contacts": list(contact_ids)}
    services.session.execute(BLANK, values)
    services.session.execute(FORGET, values)


def export(services: Services, contact_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """The exporter "mail": what a contact was sent, oldest first, and why it is not mailed."""
    given = {"workspace": services.workspace_id, "contact": contact_id}
    return {
        name: [dict(row) for row in services.session.execute(statement, given).mappings()]
        for name, statement in (("emails", EMAILS), ("not_mailed_because", SUPPRESSED))
    }
