"""An email in a worker's hands: the row, its sender and its account, read together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from autoloop.base.due import Lease

__all__ = ["Outgoing", "columns", "load"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One claimed email with all that its message is made of.

    `unknown_for`: seconds since it may have been accepted, and was not heard of; else 0.
    """

    lease: Lease
    kind: str
    run_id: UUID | None
    node: str | None
    visit: int | None
    template_version_id: UUID | None
    to_address: str
    to_name: str
    context: dict[str, Any]
    content: dict[str, Any] | None
    is_tracked: bool
    dated_at: datetime
    age: float
    unknown_for: float
    body_hash: bytes | None
    sender_id: UUID | None
    domain_id: UUID | None
    sender_name: str
    sender_address: str
    reply_to: str | None
    postal_address: str
    sender_headers: dict[str, Any]
    locale: str
    account_id: UUID | None
    provider: str | None
    config: dict[str, Any]
    secrets: bytes | None
    account_version: datetime | None
    account_active: bool
    account_ill: bool
    resting: float

    @property
    def id(self) -> UUID:
        id: UUID = self.lease.id
        return id

    @property
    def workspace_id(self) -> UUID:
        id: UUID = self.lease.workspace_id
        return id

    @property
    def attempt(self) -> int:
        return self.lease.attempts


# The first rule that fits, else the sender's account, else the default; and where that one rests or is off,
# the one that stands in for it. Of what may have been accepted somewhere nobody else is asked.
CHOSEN = """
select case
  when e.attempts > 1 and exists (select from email_attempts a where a.workspace_id = e.workspace_id
    and a.email_id = e.id and a.outcome = 'unknown') then e.provider_account_id
  when a.failover_id is null or (a.status = 'active' and coalesce(a.rest_until <= clock_timestamp(), true)) then a.id
  else a.failover_id end as id
from provider_accounts a where a.workspace_id = e.workspace_id and a.id = coalesce(
  (select r.account_id from provider_rules r where r.workspace_id = e.workspace_id
    and (r.workflow_id is null or r.workflow_id = e.workflow_id) and (r.kind is null or r.kind = e.kind)
    and (r.recipient_domains = '{}' or lower(substring(e.to_address from '[^@]*$')) = any(r.recipient_domains))
    order by r.position, r.id limit 1),
  s.provider_account_id,
  (select d.id from provider_accounts d where d.workspace_id = e.workspace_id and d.is_default))"""

# `dated_at` becomes the Date header: fixed by the first attempt, so that a retry is the same bytes.
LOAD = text(f"""
select e.id, e.kind, e.run_id, e.node, e.visit, e.template_version_id, e.to_address, e.to_name,
  e.context, e.content, e.is_tracked, coalesce(e.first_tried_at, date_trunc('second', clock_timestamp())) as dated_at,
  coalesce(extract(epoch from clock_timestamp() - e.first_tried_at), 0)::float as age,
  case when e.attempts > 1 then coalesce((select extract(epoch from clock_timestamp() - min(a.marked_at))
    from email_attempts a where a.workspace_id = e.workspace_id and a.email_id = e.id and a.outcome = 'unknown'), 0)
    else 0 end::float as unknown_for, e.body_hash,
  s.id as sender_id, s.domain_id, coalesce(s.name, '') as sender_name, coalesce(s.address, '') as sender_address,
  s.reply_to, coalesce(nullif(s.postal_address, ''), w.postal_address) as postal_address,
  coalesce(s.headers, '{{}}') as sender_headers, coalesce(nullif(c.locale, ''), w.locale) as locale,
  p.id as account_id, p.provider, coalesce(p.config, '{{}}') as config, p.secrets,
  p.updated_at as account_version, coalesce(p.status = 'active', false) as account_active, p.problem is not null as account_ill,
  coalesce(greatest(extract(epoch from p.rest_until - clock_timestamp()), 0), 0)::float as resting
from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) u(tenant, id)
join email_logs e on e.workspace_id = u.tenant and e.id = u.id
join workspaces w on w.id = e.workspace_id
left join senders s on s.workspace_id = e.workspace_id and s.id = e.sender_id
left join business_contacts c on c.workspace_id = e.workspace_id and c.id = e.contact_id
left join lateral ({CHOSEN}) chosen on true
left join provider_accounts p on p.workspace_id = e.workspace_id and p.id = chosen.id
order by e.due_at, e.id
""")


def columns(leases: Sequence[Lease]) -> dict[str, list[Any]]:
    """Leases as the arrays that set-based statements take."""
    return {
        "tenants": [lease.workspace_id for lease in leases],
        "ids": [lease.id for lease in leases],
        "fences": [lease.fence for lease in leases],
        "attempts": [lease.attempts for lease in leases],
    }


def load(session: Session, leases: Sequence[Lease]) -> list[Outgoing]:
    """The claimed emails, longest due first."""
    by_id = {lease.id: lease for lease in leases}
    given = columns(leases)
    rows = session.execute(LOAD, {"tenants": given["tenants"], "ids": given["ids"]}).mappings()
    return [Outgoing(lease=by_id[row["id"]], **{k: v for k, v in row.items() if k != "id"}) for row in rows]
