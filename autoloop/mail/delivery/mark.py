"""The mark: `sending` is committed after every check was made again, and before the first body octet."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import date
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.services import Services
from autoloop.mail.delivery.caps import left_today, take
from autoloop.mail.delivery.decisions import decide
from autoloop.mail.delivery.heartbeat import LEASE
from autoloop.mail.delivery.letters import Finished
from autoloop.mail.delivery.outcomes import Outcome, plain, write_held
from autoloop.mail.delivery.outgoing import Outgoing, columns
from autoloop.mail.governor.days import offer, use, wanted_by
from autoloop.mail.governor.governing import over_day
from autoloop.mail.governor.rules import read_limits
from autoloop.mail.models import Status

__all__ = ["mark"]

# The lock first, the look at everything else in statements after it: what was committed while we
# waited for the lock (a cancellation, an unsubscribe) is seen.
LOCK = text("""
select e.id, (s.daily_cap is not null or s.ramp is not null) as capped,
  e.workspace_id = any(array(select l.workspace_id from mail_limits l
    where l.workspace_id = any(cast(:tenants as uuid[])) and l.per_day is not null)) as counted,
  exists (select from business_contacts c where c.workspace_id = e.workspace_id and c.id = e.contact_id
    and c.mail_pace_days > 0) or coalesce(e.send_window ?| array['cooldown_hours', 'once'], false) as paced
from email_logs e
join unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), cast(:fences as bigint[])) u(tenant, id, fence)
  on e.workspace_id = u.tenant and e.id = u.id
left join senders s on s.workspace_id = e.workspace_id and s.id = e.sender_id
where e.fence + 0 = u.fence and e.status = 'intent'
order by e.id for no key update of e""")

# Two senders at once must not both find that nothing went to this person lately.
PACED = text("""
select c.id from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) u(tenant, id)
join email_logs e on e.workspace_id = u.tenant and e.id = u.id
join business_contacts c on c.workspace_id = e.workspace_id and c.id = e.contact_id
order by c.id for no key update of c""")

PAIR = ("tenants", "ids")

SENDING = text("""
with given as (
  select * from jsonb_to_recordset(cast(:rows as jsonb)) u(tenant uuid, id uuid, n int, fence bigint, account uuid,
    message_id text, subject text, body_hash text, dated_at timestamptz, day date, units jsonb)),
begun as (
  insert into email_attempts (workspace_id, email_id, n, fence, provider_account_id, marked_at, cap_day, units)
  select u.tenant, u.id, u.n, u.fence, u.account, clock_timestamp(), u.day, u.units from given u)
update email_logs e set status = 'sending', hold_reason = null, reason = null, message_id = u.message_id,
  subject = u.subject, body_hash = decode(u.body_hash, 'hex'), provider_account_id = u.account,
  first_tried_at = coalesce(e.first_tried_at, u.dated_at),
  lease_until = clock_timestamp() + make_interval(secs => :lease), updated_at = now()
from given u where e.workspace_id = u.tenant and e.id = u.id""")


def mark(services: Services, finished: Sequence[Finished]) -> frozenset[UUID]:
    """Check every email again and mark those that may go: their ids. What may not is written down as well.

    In the caller's transaction: nothing may be transmitted before it has committed, and everything is
    to be abandoned if it does not.
    """
    if not finished:
        return frozenset()
    session = services.session
    by_id = {each.mail.id: each for each in finished}
    mails = [each.mail for each in finished]
    found = session.execute(LOCK, columns([mail.lease for mail in mails])).all()
    locked = {row.id: row.capped for row in found}
    if paced := [by_id[row.id].mail for row in found if row.paced]:
        session.execute(PACED, {k: v for k, v in columns([m.lease for m in paced]).items() if k in PAIR})
    mine = [mail for mail in mails if mail.id in locked]
    held = decide(session, mine, certain=True)
    ready = [mail for mail in mine if mail.id not in held]
    write_held(services, [(mail, held[mail.id]) for mail in mine if mail.id in held])
    units, over = count_days(services, ready) if any(row.counted for row in found) else ({}, set())
    ready = [mail for mail in ready if mail.id not in over]
    limited = [mail for mail in ready if locked[mail.id]]
    days = take(session, limited) if limited else {}
    capped = over_cap(services, limited, days) if limited else {}
    write_held(services, [(mail, capped[mail.id]) for mail in limited if mail.id in capped])
    going = [by_id[mail.id] for mail in ready if mail.id not in capped]
    if going:
        use(
            session,
            going[0].mail.workspace_id,
            [units[each.mail.id] for each in going if each.mail.id in units],
        )
        session.execute(SENDING, {"rows": _rows(going, days, units), "lease": LEASE.total_seconds()})
    return frozenset(each.mail.id for each in going)


def count_days(
    services: Services, mails: Sequence[Outgoing]
) -> tuple[Mapping[UUID, list[list[str]]], Container[UUID]]:
    """Units of the day limits that these mails count for, and the mails that found none left: these are held."""
    rules = read_limits(services.session, sorted({mail.workspace_id for mail in mails}))
    found = offer(services.session, wanted_by(rules, mails))
    write_held(services, [(mail, over_day(*found.over[mail.id])) for mail in mails if mail.id in found.over])
    return found.units, found.over.keys()


def over_cap(
    services: Services, mails: Sequence[Outgoing], granted: Mapping[UUID, date]
) -> dict[UUID, Outcome]:
    """Mails of capped senders that got no unit: they wait for the sender's next day."""
    left = left_today(services.session, mails)
    return {
        mail.id: Outcome(
            Status.INTENT, hold="daily_cap", delay=grant.until_next, held_by=f"sender:{mail.sender_id}"
        )
        for mail in mails
        if mail.id not in granted
        and mail.sender_id is not None
        and (grant := left.get((mail.workspace_id, mail.sender_id))) is not None
    }


def _rows(
    finished: Sequence[Finished], days: Mapping[UUID, date], units: Mapping[UUID, list[list[str]]]
) -> str:
    rows = [
        {
            "tenant": each.mail.workspace_id,
            "id": each.mail.id,
            "n": each.mail.attempt,
            "fence": each.mail.lease.fence,
            "account": each.mail.account_id,
            "message_id": each.message.message_id,
            "subject": plain(each.subject),
            "body_hash": each.body_hash.hex(),
            "dated_at": each.mail.dated_at,
            "day": days.get(each.mail.id),
            "units": units.get(each.mail.id),
        }
        for each in finished
    ]
    return orjson.dumps(rows).decode()
