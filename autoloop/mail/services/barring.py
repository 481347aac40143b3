"""Who must not get marketing mail, asked of many contacts in one statement."""

from __future__ import annotations

from autoloop.mail.addresses import reasons_sql

__all__ = ["barred_sql"]

# The same answer as `decisions.barred`, for sets: a test holds both equal.
BARRED = f"""case
  when c.status <> 'active' then c.status
  when {reasons_sql("c.workspace_id", "c.email_normal")} is not null then 'suppressed'
  when c.consent_marketing = 'denied' or (c.consent_marketing <> 'granted'
    and (select coalesce((w.settings ->> 'require_consent')::boolean, false) from workspaces w
      where w.id = :workspace)) then 'no_consent' end"""


def barred_sql() -> str:
    """SQL over the contact `c` and the parameter `workspace`: the reason, or null for who may get it."""
    return BARRED
