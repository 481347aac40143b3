"""A company's share: at most so many marketing mails to the people of one business in so many days.

Its people are those who belong to it now: who moves to another company takes along what they were sent, and
what somebody got before anyone knew their company counts once it is known. Only mail to people who are gone
stays with the company that was written down with it.

Counted from the emails themselves, so a mail that was not accepted gives its place back by itself. What
makes it exact is the business's row: the mark locks it before it counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from autoloop.mail.delivery.outcomes import Outcome
from autoloop.mail.models import Status

__all__ = ["hold_back"]

SOON = 30.0  # seconds until another look while a mail that holds a place is on its way

LOCK = text("""
select b.id from businesses b
join unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) u(tenant, id)
  on b.workspace_id = u.tenant and b.id = u.id
order by b.workspace_id, b.id for no key update of b""")

COUNTED = """select coalesce(e.sent_at, e.updated_at) as at, e.status = 'sending' as on_its_way"""
IN_WINDOW = """e.kind = 'marketing' and (e.sent_at is not null or e.status in ('sending', 'unknown'))
      and coalesce(e.sent_at, e.updated_at) > clock_timestamp() - make_interval(days => u.days)"""

# The newest so many of each business within its window: all places are taken if there are as many.
TAKEN = text(f"""
select u.tenant, u.id, count(*) as taken, bool_or(m.on_its_way) as on_its_way,
  extract(epoch from min(m.at) + make_interval(days => min(u.days)) - clock_timestamp())::float as frees
from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), cast(:most as int[]), cast(:days as int[]))
  u(tenant, id, most, days)
cross join lateral (
  {COUNTED} from business_contacts c join email_logs e on e.workspace_id = c.workspace_id and e.contact_id = c.id
  where c.workspace_id = u.tenant and c.business_id = u.id and {IN_WINDOW}
  union all
  {COUNTED} from email_logs e
  where e.workspace_id = u.tenant and e.business_id = u.id and e.contact_id is null and {IN_WINDOW}
  order by 1 desc limit u.most) m
group by u.tenant, u.id""")

Key = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Cap:
    """`most` mails in `days` days; those over it wait, or are skipped."""

    most: int
    days: int
    skips: bool

    @property
    def said(self) -> str:
        return f"{self.most} in {self.days} days is the most for one company"


def hold_back(session: Session, rows: Sequence[Mapping[str, Any]], *, certain: bool) -> dict[UUID, Outcome]:
    """Email id → why it must not go now, of rows {id, workspace_id, business_id, company_cap}.

    With `certain` the businesses stay locked until the transaction ends: then what is not in the answer may go.
    """
    caps: dict[Key, Cap] = {(row["workspace_id"], row["business_id"]): _cap(row) for row in rows}
    keys = sorted(caps)
    given: dict[str, Any] = {"tenants": [key[0] for key in keys], "ids": [key[1] for key in keys]}
    if certain:
        session.execute(LOCK, given)
    given |= {"most": [caps[key].most for key in keys], "days": [caps[key].days for key in keys]}
    taken = {(row.tenant, row.id): row for row in session.execute(TAKEN, given)}
    left = {key: caps[key].most - (taken[key].taken if key in taken else 0) for key in keys}
    held: dict[UUID, Outcome] = {}
    for row in rows:
        key = (row["workspace_id"], row["business_id"])
        left[key] -= 1
        if left[key] < 0:
            held[row["id"]] = _over(caps[key], taken.get(key))
    return held


def _cap(row: Mapping[str, Any]) -> Cap:
    given = row["company_cap"]
    return Cap(int(given["count"]), int(given["days"]), given.get("over") == "skip")


def _over(cap: Cap, taken: Any) -> Outcome:
    """What becomes of a mail for which no place is left."""
    if taken is None or taken.taken < cap.most or taken.on_its_way:
        return Outcome(Status.INTENT, cap.said, hold="company_cap", delay=SOON)
    if cap.skips:
        return Outcome(Status.SKIPPED, f"Its company had its share of emails: {cap.said}")
    return Outcome(Status.INTENT, cap.said, hold="company_cap", delay=max(taken.frees, 1.0))
