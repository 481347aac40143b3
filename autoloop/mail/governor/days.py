"""Limits of a day, exact under any number of parallel sends: one row per limit and day, locked by the mark.

The same as a sender's own cap in `autoloop.mail.delivery.caps`. Redis has no part in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from autoloop.mail.delivery.outgoing import Outgoing
from autoloop.mail.governor.rules import Limit, Rules, domains_of

__all__ = ["Offer", "Wanted", "give_back_units", "left_of_days", "offer", "use", "wanted_by"]

DAY = "(clock_timestamp() at time zone w.timezone)::date"
NEXT = f"extract(epoch from (({DAY} + 1)::timestamp at time zone w.timezone) - clock_timestamp())::float"
GIVEN = """unnest(cast(:tenants as uuid[]), cast(:limits as uuid[]), cast(:domains as text[])) u(tenant, id, domain)
join workspaces w on w.id = u.tenant"""

LEFT = text(f"""
select u.id as limit_id, u.domain, coalesce(d.used, 0) as used, {DAY}::text as day, {NEXT} as until_next
from {GIVEN}
left join limit_days d on d.workspace_id = u.tenant and d.limit_id = u.id and d.domain = u.domain and d.day = {DAY}""")

# The no-op update locks the day's row and gives its newest value. In one order, so that nobody waits in a circle.
LOCK = text(f"""
with locked as (
  insert into limit_days as d (workspace_id, limit_id, domain, day, used)
  select u.tenant, u.id, u.domain, {DAY}, 0 from {GIVEN} order by u.tenant, u.id, u.domain
  on conflict (workspace_id, limit_id, domain, day) do update set used = d.used
  returning d.workspace_id, d.limit_id, d.domain, d.day, d.used)
select l.limit_id, l.domain, l.day::text as day, l.used, {NEXT} as until_next
from locked l join workspaces w on w.id = l.workspace_id""")

# A domain's first mail of a day takes its old days away: so there are never more rows than domains and a day.
TIDY = text("""
delete from limit_days d using (
  select o.workspace_id, o.limit_id, o.domain, o.day
  from unnest(cast(:tenants as uuid[]), cast(:limits as uuid[]), cast(:domains as text[])) u(tenant, id, domain)
  join limit_days o on o.workspace_id = u.tenant and o.limit_id = u.id and o.domain = u.domain
  where o.day < current_date - 3 for update of o skip locked) old
where d.workspace_id = old.workspace_id and d.limit_id = old.limit_id and d.domain = old.domain and d.day = old.day""")

USE = text("""
update limit_days d set used = d.used + u.n
from unnest(cast(:limits as uuid[]), cast(:domains as text[]), cast(:days as date[]), cast(:counts as int[]))
  u(id, domain, day, n)
where d.workspace_id = :workspace and d.limit_id = u.id and d.domain = u.domain and d.day = u.day""")

GIVE_BACK = text("""
with released as (
  update email_attempts a set units = null
  from (select a.workspace_id, a.email_id, a.n, a.units
    from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), cast(:attempts as int[])) u(tenant, id, n)
    join email_attempts a on a.workspace_id = u.tenant and a.email_id = u.id and a.n = u.n
    where a.units is not null order by a.email_id for update of a) held
  where a.workspace_id = held.workspace_id and a.email_id = held.email_id and a.n = held.n
  returning a.workspace_id, held.units),
counted as (
  select r.workspace_id, cast(u.unit ->> 0 as uuid) as limit_id, u.unit ->> 1 as domain,
    cast(u.unit ->> 2 as date) as day, count(*) as n
  from released r cross join lateral jsonb_array_elements(r.units) u(unit) group by 1, 2, 3, 4),
totals as (
  select d.workspace_id, d.limit_id, d.domain, d.day, c.n from counted c
  join limit_days d using (workspace_id, limit_id, domain, day)
  order by d.workspace_id, d.limit_id, d.domain, d.day for update of d)
update limit_days d set used = greatest(d.used - t.n, 0) from totals t
where d.workspace_id = t.workspace_id and d.limit_id = t.limit_id and d.domain = t.domain and d.day = t.day""")

Place = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The day limits that one mail counts for, each with the part of it (see `Limit.part`)."""

    mail: Outgoing
    limits: tuple[tuple[Limit, str], ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """Units for mails that may go (as kept with the attempt), and for the others what they wait for and how long."""

    units: Mapping[UUID, list[list[str]]]
    over: Mapping[UUID, tuple[Limit, str, float]]
    fresh: Sequence[tuple[UUID, UUID, str]] = ()  # places whose day begins with these


def wanted_by(rules: Mapping[UUID, Rules], mails: Iterable[Outgoing]) -> list[Wanted]:
    """Mails that count for a limit of a day."""
    mails = list(mails)
    domains = domains_of(mails)
    found = []
    for mail in mails:
        domain = domains[mail.id]
        limits = [
            limit for limit in rules[mail.workspace_id].limits_of(mail, domain) if limit.per_day is not None
        ]
        if limits:
            found.append(Wanted(mail, tuple((limit, limit.part(domain)) for limit in limits)))
    return found


def left_of_days(session: Session, wanted: Sequence[Wanted]) -> Offer:
    """What is left of the day's limits, without taking any."""
    return _offer(session, LEFT, wanted)


def offer(session: Session, wanted: Sequence[Wanted]) -> Offer:
    """Units for as many of these mails as their limits allow, in order. What is offered stays locked until the
    transaction ends, and counts once `use` was called for the mails that do go."""
    found = _offer(session, LOCK, wanted)
    if found.fresh:
        session.execute(TIDY, _given(found.fresh))
    return found


def _offer(session: Session, statement: Any, wanted: Sequence[Wanted]) -> Offer:
    if not wanted:
        return Offer({}, {})
    places = sorted({(limit.workspace_id, limit.id, part) for each in wanted for limit, part in each.limits})
    days = {(row.limit_id, row.domain): row for row in session.execute(statement, _given(places))}
    used: dict[Place, int] = {place: row.used for place, row in days.items()}
    units: dict[UUID, list[list[str]]] = {}
    over: dict[UUID, tuple[Limit, str, float]] = {}
    for each in wanted:
        full = next(
            ((limit, part) for limit, part in each.limits if used[limit.id, part] >= (limit.per_day or 0)),
            None,
        )
        if full is not None:
            over[each.mail.id] = (*full, days[full[0].id, full[1]].until_next)
            continue
        for limit, part in each.limits:
            used[limit.id, part] += 1
        units[each.mail.id] = [[str(limit.id), part, days[limit.id, part].day] for limit, part in each.limits]
    return Offer(units, over, [place for place in places if not days[place[1:]].used])


def _given(places: Sequence[tuple[UUID, UUID, str]]) -> dict[str, list[Any]]:
    return {name: [place[at] for place in places] for at, name in enumerate(("tenants", "limits", "domains"))}


def use(session: Session, workspace_id: UUID, units: Iterable[Sequence[Sequence[str]]]) -> None:
    """Count the units of mails that go."""
    counts: dict[tuple[str, ...], int] = {}
    for mine in units:
        for unit in mine:
            counts[tuple(unit)] = counts.get(tuple(unit), 0) + 1
    if counts:
        limits, domains, days = (list(part) for part in zip(*counts, strict=True))
        session.execute(
            USE,
            {
                "workspace": workspace_id,
                "limits": limits,
                "domains": domains,
                "days": days,
                "counts": list(counts.values()),
            },
        )


def give_back_units(session: Session, mails: Sequence[Outgoing]) -> None:
    """Return the units of mails that were certainly not accepted."""
    session.execute(
        GIVE_BACK,
        {
            "tenants": [mail.workspace_id for mail in mails],
            "ids": [mail.id for mail in mails],
            "attempts": [mail.attempt for mail in mails],
        },
    )
