"""Erasing a person: mail that waits is called off, and the log forgets who it went to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from autoloop.base.services import Services
from autoloop.mail.addresses import HASH_SQL
from autoloop.workspaces.models import Workspace

__all__ = ["erase", "export"]

# A row that is `sending` is in a worker's hands and goes; should it come back, nobody sends it again. What
# servers say of an address tends to name it; why we ourselves kept a mail back does not.
FORGET = text("""
update email_logs set to_address = '', to_name = '', context = '{}', content = null, subject = null,
  status = case when status = 'intent' then 'cancelled' else status end,
  reason = case when status = 'intent' then 'The contact was deleted'
    when status in ('skipped', 'cancelled', 'resent') then reason end,
  settled_at = case when status = 'sending' then null else coalesce(settled_at, clock_timestamp()) end,
  updated_at = now()
where workspace_id = :workspace and contact_id = any(cast(:contacts as uuid[]))
""")

UNSAY = text("""
update email_attempts set reply = null
where workspace_id = :workspace and email_id = any(cast(:emails as uuid[])) and reply is not null""")

# What they opened and followed.
TOUCHES = text("""
delete from email_touches t using email_logs e where e.workspace_id = :workspace
  and e.contact_id = any(cast(:contacts as uuid[])) and t.workspace_id = e.workspace_id and t.email_id = e.id""")

# The mailbox looks at these rows before it keeps a copy: what it kept by now is seen below.
HOLD = text("""
select e.id, lower(e.to_address) as address from email_logs e
where e.workspace_id = :workspace and e.contact_id = any(cast(:contacts as uuid[])) order by e.id for update""")

OWN = text("""
select email_normal from business_contacts
where workspace_id = :workspace and id = any(cast(:contacts as uuid[])) and email_normal <> ''""")

# What the mailbox captured: by the email it is a copy of, and whatever else went to the person.
CAPTURED = text("""
delete from mailbox_messages where workspace_id = :workspace
  and (key = any(cast(:keys as text[])) or lower(recipient) = any(cast(:addresses as text[])))""")

# The installation's own mail to the person: the links to their data. What went to a member who has the
# same address is theirs as a user.
OURS = text("""
with mine as (select e.workspace_id, e.id from email_logs e where e.workspace_id = :system
    and starts_with(e.send_key, 'system:own_') and split_part(e.send_key, ':', 3) = any(cast(:names as text[]))),
  gone as (delete from mailbox_messages m using mine
    where m.workspace_id = mine.workspace_id and m.key = mine.id::text)
update email_logs e set to_address = '', content = null, subject = null, updated_at = now(),
  status = case when e.status = 'intent' then 'cancelled' else e.status end
from mine where e.workspace_id = mine.workspace_id and e.id = mine.id""")

ALIASES = text("""
select id from contact_aliases where workspace_id = :workspace and contact_id = any(cast(:contacts as uuid[]))""")

# What forbids to mail them stays, by hash alone.
BLANK = text(f"""
update suppressions s set address = null, note = 'erased', updated_at = now() from (
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

OPENED = text("""
select t.email_id, case when t.link = 0 then 'open' else 'click' end as what, nullif(t.link, 0) as link, t.people as times,
  t.machines as times_by_machines, t.first_at, t.last_at from email_touches t
join email_logs e on e.workspace_id = t.workspace_id and e.id = t.email_id
where e.workspace_id = :workspace and e.contact_id = :contact order by t.email_id, t.link, t.turn limit 10000""")

SUPPRESSED = text(f"""
select s.reason, s.created_at from suppressions s
join business_contacts c on c.workspace_id = s.workspace_id and c.id = :contact
where s.workspace_id = :workspace
  and s.address_hash = {HASH_SQL.format(workspace="s.workspace_id", address="c.email_normal")}
order by s.id""")


PARTS = (("emails", EMAILS), ("opens_and_clicks", OPENED), ("not_mailed_because", SUPPRESSED))


def erase(services: Services, contact_ids: Sequence[UUID]) -> None:
    """Call off and blank the emails of these contacts, and throw captured copies away.

    Called before the contacts are deleted.
    """
    values = {"workspace": services.workspace_id, "contacts": list(contact_ids)}
    held = services.session.execute(HOLD, values).all()
    addresses = {row.address for row in held if row.address} | set(services.session.scalars(OWN, values))
    services.session.execute(BLANK, values)
    services.session.execute(TOUCHES, values)
    services.session.execute(FORGET, values)
    emails = {"workspace": services.workspace_id, "emails": [row.id for row in held]}
    services.session.execute(UNSAY, emails)
    copies = {"keys": [str(row.id) for row in held], "addresses": sorted(addresses)}
    services.session.execute(CAPTURED, {"workspace": services.workspace_id, **copies})
    merged = services.session.execute(ALIASES, values).scalars()
    _erase_ours(services, [str(id) for id in (*contact_ids, *merged)])


def _erase_ours(services: Services, names: Sequence[str]) -> None:
    """Mail of the installation to these contacts; it belongs to the workspace `system`."""
    before = services.workspace_id
    system = services.session.scalars(select(Workspace.id).where(Workspace.is_system)).one_or_none()
    if system is None:
        return
    services.enter(system)
    try:
        services.session.execute(OURS, {"system": system, "names": list(names)})
    finally:
        services.enter(before)


def export(services: Services, contact_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """The exporter "mail": what a contact was sent, oldest first, what they opened and
    followed of it, and why it is not mailed."""
    given = {"workspace": services.workspace_id, "contact": contact_id}
    return {
        name: [dict(row) for row in services.session.execute(statement, given).mappings()]
        for name, statement in PARTS
    }
