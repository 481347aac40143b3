"""The rows of what slowed down: read and written together, each locked while it is worked out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from autoloop.mail.delivery.outcomes import plain
from autoloop.mail.delivery.outgoing import Outgoing
from autoloop.mail.governor.pace import Pace, accepted, answered, pushed_back, troubled
from autoloop.mail.governor.rules import STILL, Rules, key_of_pace, pace_of
from autoloop.mail.governor.watch import PushBack, Watch
from autoloop.plugins.email import Refused, Reply

__all__ = ["ACCOUNT", "settle", "take_probes", "touched_by"]

ACCOUNT = ""  # the domain of the row that stands for a whole account

FORGET = text(f"""
delete from mail_slowings s where s.workspace_id = :workspace and s.account_id = :account
  and not coalesce({STILL.format(s="s")}, false)""")

BEGIN = text("""
insert into mail_slowings (workspace_id, account_id, domain, pushed_at, since)
select :workspace, :account, u.domain, clock_timestamp(), clock_timestamp()
from unnest(cast(:domains as text[])) u(domain) order by u.domain
on conflict (workspace_id, account_id, domain) do nothing""")

LOCK = text("""
select s.*, clock_timestamp() as now from mail_slowings s
where s.workspace_id = :workspace and s.account_id = :account and s.domain = any(cast(:domains as text[]))
order by s.domain for update""")

WRITE = text("""
update mail_slowings s set rate = u.rate, ceiling = u.ceiling, failures = u.failures, openings = u.openings,
  open_until = u.open_until, probe_until = u.probe_until, halved_at = u.halved_at,
  pushed_at = case when u.pushed then clock_timestamp() else s.pushed_at end,
  code = case when u.pushed then u.code else s.code end, said = case when u.pushed then u.said else s.said end
from jsonb_to_recordset(cast(:rows as jsonb)) u(domain text, rate float, ceiling float, failures int, openings int,
  open_until timestamptz, probe_until timestamptz, halved_at timestamptz, pushed bool, code int, said text)
where s.workspace_id = :workspace and s.account_id = :account and s.domain = u.domain""")

OVER = text("""
delete from mail_slowings s where s.workspace_id = :workspace and s.account_id = :account
  and s.domain = any(cast(:domains as text[]))""")

# Whoever waited for a turn at the slow speed may come at once. In the order of ids, as everywhere; who holds one
# of them has it in hand anyway.
WAKE = text("""
with waiting as (
  select id from email_logs where workspace_id = :workspace and status = 'intent' and lease_until is null
    and hold_reason in ('slowed', 'breaker') and held_by = any(cast(:keys as text[])) and due_at > clock_timestamp()
  order by id for no key update skip locked)
update email_logs e set due_at = clock_timestamp() from waiting
where e.workspace_id = :workspace and e.id = waiting.id""")

PROBE = text("""
update mail_slowings s set probe_until = clock_timestamp() + interval '2 minutes'
from (select p.workspace_id, p.account_id, p.domain
  from unnest(cast(:tenants as uuid[]), cast(:accounts as uuid[]), cast(:domains as text[])) u(tenant, account, domain)
  join mail_slowings p on p.workspace_id = u.tenant and p.account_id = u.account and p.domain = u.domain
  where p.open_until <= clock_timestamp() and (p.probe_until is null or p.probe_until <= clock_timestamp())
  order by p.workspace_id, p.account_id, p.domain for update of p skip locked) free
where s.workspace_id = free.workspace_id and s.account_id = free.account_id and s.domain = free.domain
returning s.account_id, s.domain""")

Pair = tuple[UUID, str]

ADDRESS = re.compile(r"[^\s<>]{1,64}@[^\s<>]+")


@dataclass(frozen=True, slots=True)
class _Next:
    pace: Pace | None
    push: PushBack | None = None


def take_probes(session: Session, pairs: Mapping[Pair, UUID]) -> set[Pair]:
    """Of pairs (→ their workspace) whose break is over: those for which we may try one mail."""
    if not pairs:
        return set()
    given = {
        "tenants": list(pairs.values()),
        "accounts": [pair[0] for pair in pairs],
        "domains": [pair[1] for pair in pairs],
    }
    return {(row.account_id, row.domain) for row in session.execute(PROBE, given)}


def touched_by(
    mail: Outgoing, rules: Rules, watch: Watch, trouble: Reply | Refused | None
) -> tuple[set[str], set[str]]:
    """The domains for which a batch learned something: those that push back, and all that there is to write."""
    known = (
        {domain for account, domain in rules.paces if account == mail.account_id} if rules.paces else set()
    )
    began = set(watch.pushed) | ({ACCOUNT} if trouble is not None else set())
    touched = began | (known & (set(watch.taken) | watch.answered))
    if watch.alive and ACCOUNT in known:
        touched.add(ACCOUNT)
    return began, touched


def settle(
    session: Session, mail: Outgoing, rules: Rules, watch: Watch, trouble: Reply | Refused | None
) -> float | None:
    """Write down what a batch of the mail's account learned. Seconds that the account rests, if it is in trouble."""
    began, touched = touched_by(mail, rules, watch, trouble)
    if not touched:
        return None
    at: dict[str, Any] = {"workspace": mail.workspace_id, "account": mail.account_id}
    if began:
        session.execute(FORGET, at)
        session.execute(BEGIN, at | {"domains": sorted(began)})
    rests: float | None = None
    after: dict[str, _Next] = {}
    for row in session.execute(LOCK, at | {"domains": sorted(touched)}).mappings():
        pace, domain = pace_of(row), row["domain"]
        if domain == ACCOUNT and trouble is not None:
            pace = troubled(pace, row["now"], asked=trouble.retry_after)
            assert pace.open_until is not None
            rests = (pace.open_until - row["now"]).total_seconds()
            after[domain] = _Next(pace, PushBack(1, 0.0, trouble.code, trouble.text))
        elif domain in watch.pushed:
            after[domain] = _Next(_slower(pace, row["now"], watch, domain), watch.pushed[domain])
        elif watch.taken[domain] or domain == ACCOUNT:
            after[domain] = _Next(accepted(pace, watch.taken[domain]))
        else:
            after[domain] = _Next(answered(pace))
    _write(session, at, after)
    return rests


def _slower(pace: Pace, now: Any, watch: Watch, domain: str) -> Pace:
    """Where something got through as well, mail is slowed but no break is due."""
    push = watch.pushed[domain]
    if watch.taken[domain]:
        pace = answered(pace)
    count = 1 if watch.taken[domain] else push.count
    return pushed_back(pace, now, speed=watch.speed(domain), count=count, asked=push.asked)


def _write(session: Session, at: Mapping[str, Any], after: Mapping[str, _Next]) -> None:
    rows = [
        {"domain": domain, **{name: getattr(each.pace, name) for name in Pace.__slots__}}
        | {"pushed": each.push is not None}
        | ({"code": each.push.code, "said": spoken(each.push.said)} if each.push else {})
        for domain, each in after.items()
        if each.pace is not None
    ]
    if rows:
        session.execute(WRITE, {**at, "rows": orjson.dumps(rows).decode()})
    over = [domain for domain, each in after.items() if each.pace is None]
    if over:
        session.execute(OVER, {**at, "domains": over})
        session.execute(
            WAKE,
            {"workspace": at["workspace"], "keys": [key_of_pace(at["account"], domain) for domain in over]},
        )


def spoken(said: str) -> str:
    """What a server said, without people's addresses: it is kept about a domain or an account."""
    return ADDRESS.sub("…", plain(said) or "")[:500]
