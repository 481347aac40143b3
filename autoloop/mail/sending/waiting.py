"""How much mail waits, and for what: group by group through an index, each counted only so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

__all__ = ["MOST", "Sent", "Waiting", "sent", "waits_of"]

MOST = 10_000
"""A group is counted up to here: beyond it only "more" is known."""
SENT_MOST = 100_000
GROUPS = 1_000
FULL = 20  # groups of a reason that are counted up to MOST; those after them (one for each domain, say) up to SOME
SOME = 100

MINE = "e.workspace_id = :workspace and e.status = 'intent'"
# As the index has them; not coalesce(), which row-level security does not let into an index.
REASON, HELD_BY = (
    f"(case when e.{name} is null then '' else e.{name} end)" for name in ("hold_reason", "held_by")
)
GROUP = f"from email_logs e where {MINE} and {REASON} = g.reason and {HELD_BY} = g.held_by"

# A loose index scan: from each group straight to the next one.
WAITING = text(f"""
with recursive g as (
  (select {REASON} as reason, {HELD_BY} as held_by, 1 as n, 1 as nth from email_logs e where {MINE} order by 1, 2 limit 1)
  union all
  select f.reason, f.held_by, g.n + 1, case when f.reason = g.reason then g.nth + 1 else 1 end from g cross join lateral (
    select {REASON} as reason, {HELD_BY} as held_by from email_logs e
    where {MINE} and ({REASON}, {HELD_BY}) > (g.reason, g.held_by) order by 1, 2 limit 1) f
  where g.n < :groups)
select g.reason, g.held_by, c.count, a.due_at as first, z.due_at as last,
  case when g.nth <= :full then cast(:most as int) else :some end as most
from g
cross join lateral (select count(*) from (
  select {GROUP} limit case when g.nth <= :full then cast(:most as int) else :some end + 1) counted) c
cross join lateral (select e.due_at {GROUP} order by {REASON}, {HELD_BY}, e.due_at limit 1) a
cross join lateral (select e.due_at {GROUP} order by {REASON} desc, {HELD_BY} desc, e.due_at desc limit 1) z""")

# By sender, for that has an index; mail without one leaves no workspace but the system's.
SENT = text("""
select clock_timestamp() as now, least(coalesce(sum(m.count), 0), :most)::int as last_minute,
  least(coalesce(sum(h.count), 0), :most)::int as last_hour,
  (select count(*) from email_logs e where e.workspace_id = :workspace and e.status = 'sending') as sending
from senders s
cross join lateral (select count(*) from (select from email_logs e where e.workspace_id = s.workspace_id
  and e.sender_id = s.id and e.sent_at > clock_timestamp() - interval '1 minute' limit :most) x) m
cross join lateral (select count(*) from (select from email_logs e where e.workspace_id = s.workspace_id
  and e.sender_id = s.id and e.sent_at > clock_timestamp() - interval '1 hour' limit :most) x) h
where s.workspace_id = :workspace""")


@dataclass(slots=True)
class Waiting:
    """How many emails wait, when the next of them is looked at, and when the last. With `more` the count is only
    how far was counted."""

    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    more: bool = False

    def add(self, other: Waiting) -> None:
        self.count += other.count
        self.more = self.more or other.more
        self.first = min(filter(None, (self.first, other.first)), default=None)
        self.last = max(filter(None, (self.last, other.last)), default=None)


@dataclass(frozen=True, slots=True)
class Sent:
    """What leaves: up to 100,000 are counted."""

    now: datetime
    last_minute: int
    last_hour: int
    sending: int


def waits_of(session: Session, workspace_id: UUID) -> dict[tuple[str, str], Waiting]:
    """(reason, what holds it) → what waits for it; both empty where nothing holds mail back."""
    given: dict[str, Any] = {
        "workspace": workspace_id,
        "groups": GROUPS,
        "full": FULL,
        "most": MOST,
        "some": SOME,
    }
    return {
        (row.reason, row.held_by): Waiting(
            min(row.count, row.most), row.first, row.last, row.count > row.most
        )
        for row in session.execute(WAITING, given)
    }


def sent(session: Session, workspace_id: UUID) -> Sent:
    """How fast the workspace's mail leaves."""
    row = session.execute(SENT, {"workspace": workspace_id, "most": SENT_MOST}).one()
    return Sent(row.now, row.last_minute, row.last_hour, row.sending)
