"""Who must not get marketing mail, asked of many contacts in one statement."""

from __future__ import annotations

from autoloop.mail.addresses import HASH_SQL

__all__ = ["barred_sql"]

# The same answer as `decisions.barred`, for sets: a test holds both equal.
BARRED = f"""case
  when c.status <> 'active' then c.status
  when exists (select 1 from suppressions x where x.workspace_id = c.workspace_id
    and x.address_hash = {HASH_SQL.format(workspace="c.workspace_id", address="c.email_normal")})
    then 'suppressed'
  when c.consent_marketing = 'denied' or (c.consent_marketing <> 'granted'
    and (select coalesce((w.settings ->> 'require_consent')::boolean, false) from workspaces w
      where w.id = :workspace)) then 'no_consent' end"""


def barred_sql() -> str:
    """SQL over the contact `c` and the parameter `workspace`: the reason, or null for who may get it."""
    return BARRED
