"""Daily caps and ramps, exact under any number of parallel sends: one row per sender and day, locked by the mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from autoloop.mail.delivery.outgoing import Outgoing
from autoloop.mail.governor.days import give_back_units
from autoloop.mail.governor.ramps import cap_sql, day_sql

__all__ = ["Grant", "give_back", "left_today", "take"]


@dataclass(frozen=True, slots=True)
class Grant:
    """How many more mails a sender may send on its day, and how long until the next day (seconds)."""

    day: date
    count: int
    until_next: float


DAY, CAP = day_sql("s"), cap_sql("s")
NEXT = f"extract(epoch from (({DAY} + 1)::timestamp at time zone s.timezone) - clock_timestamp())::float"

LEFT = text(f"""
select s.workspace_id, s.id, {CAP} as cap, {DAY} as day, greatest({CAP} - coalesce(d.used, 0), 0) as left_over,
  {NEXT} as until_next
from senders s
join unnest(cast(:tenants as uuid[]), cast(:senders as uuid[])) u(tenant, id)
  on s.workspace_id = u.tenant and s.id = u.id
left join sender_days d on d.workspace_id = s.workspace_id and d.sender_id = s.id and d.day = {DAY}
where {CAP} is not null""")

# The no-op update locks the day's row and gives its newest value: who comes second waits here,
# and then sees what the first has taken.
LOCK = text(f"""
insert into sender_days as d (workspace_id, sender_id, day, used)
select s.workspace_id, s.id, {DAY}, 0 from senders s
join unnest(cast(:tenants as uuid[]), cast(:senders as uuid[])) u(tenant, id)
  on s.workspace_id = u.tenant and s.id = u.id
where {CAP} is not null
order by s.workspace_id, s.id
on conflict (workspace_id, sender_id, day) do update set used = d.used
returning d.workspace_id, d.sender_id, d.day, d.used""")

TAKE = text("""
update sender_days d set used = d.used + u.n
from unnest(cast(:tenants as uuid[]), cast(:senders as uuid[]), cast(:days as date[]), cast(:counts as int[]))
  u(tenant, id, day, n)
where d.workspace_id = u.tenant and d.sender_id = u.id and d.day = u.day""")

GIVE_BACK = text("""
with released as (
  update email_attempts a set cap_day = null
  from (select a.workspace_id, a.email_id, a.n, a.cap_day, u.sender
    from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), cast(:attempts as int[]), cast(:senders as uuid[]))
      u(tenant, id, n, sender)
    join email_attempts a on a.workspace_id = u.tenant and a.email_id = u.id and a.n = u.n
    where a.cap_day is not null order by a.email_id for update of a) held
  where a.workspace_id = held.workspace_id and a.email_id = held.email_id and a.n = held.n
  returning a.workspace_id, held.sender, held.cap_day),
totals as (
  select d.workspace_id, d.sender_id, d.day, t.n
  from (select workspace_id, sender, cap_day, count(*) as n from released group by 1, 2, 3) t
  join sender_days d on d.workspace_id = t.workspace_id and d.sender_id = t.sender and d.day = t.cap_day
  order by d.workspace_id, d.sender_id for update of d)
update sender_days d set used = greatest(d.used - t.n, 0)
from totals t where d.workspace_id = t.workspace_id and d.sender_id = t.sender_id and d.day = t.day""")

Key = tuple[UUID, UUID]


def _keys(mails: Sequence[Outgoing]) -> list[Key]:
    return sorted({(mail.workspace_id, mail.sender_id) for mail in mails if mail.sender_id is not None})


def left_today(session: Session, mails: Sequence[Outgoing]) -> dict[Key, Grant]:
    """What is left of the caps of these mails' senders, without taking any. Uncapped senders are absent."""
    keys = _keys(mails)
    rows = session.execute(LEFT, {"tenants": [k[0] for k in keys], "senders": [k[1] for k in keys]})
    return {(row.workspace_id, row.id): Grant(row.day, row.left_over, row.until_next) for row in rows}


def take(session: Session, mails: Sequence[Outgoing]) -> dict[UUID, date]:
    """Take one unit for each mail whose sender has one left: email id → the day it counts for.

    Mails of capped senders that are not in the result must not be sent. The locks last until the
    transaction ends, so this is the mark's last look before it writes.
    """
    keys = _keys(mails)
    wanted = {"tenants": [key[0] for key in keys], "senders": [key[1] for key in keys]}
    locked = {(row.workspace_id, row.sender_id): row for row in session.execute(LOCK, wanted)}
    if not locked:
        return {}
    keys = list(locked)
    caps = session.execute(LEFT, {"tenants": [key[0] for key in keys], "senders": [key[1] for key in keys]})
    left = {(row.workspace_id, row.id): row.cap - locked[row.workspace_id, row.id].used for row in caps}
    taken: dict[UUID, date] = {}
    counts = dict.fromkeys(locked, 0)
    for mail in mails:
        key = (mail.workspace_id, mail.sender_id)
        if key in locked and counts[key] < left.get(key, 0):  # type: ignore[index]
            counts[key] += 1  # type: ignore[index]
            taken[mail.id] = locked[key].day  # type: ignore[index]
    used = [(key, count) for key, count in counts.items() if count]
    session.execute(
        TAKE,
        {
            "tenants": [key[0] for key, _ in used],
            "senders": [key[1] for key, _ in used],
            "days": [locked[key].day for key, _ in used],
            "counts": [count for _, count in used],
        },
    )
    return taken


def give_back(session: Session, mails: Sequence[Outgoing]) -> None:
    """Return the units of mails that were certainly not accepted."""
    give_back_units(session, mails)
    mails = [mail for mail in mails if mail.sender_id is not None]
    if not mails:
        return
    session.execute(
        GIVE_BACK,
        {
            "tenants": [mail.workspace_id for mail in mails],
            "ids": [mail.id for mail in mails],
            "attempts": [mail.attempt for mail in mails],
            "senders": [mail.sender_id for mail in mails],
        },
    )
