"""What may hold a mail back: the limits of its workspace and the paces of its account, read at most once a second."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from autoloop.mail.addresses import domain_of
from autoloop.mail.governor.buckets import Bucket
from autoloop.mail.governor.pace import Pace

if TYPE_CHECKING:
    from autoloop.mail.delivery.outgoing import Outgoing

__all__ = [
    "ANY",
    "STILL",
    "Limit",
    "Rules",
    "RulesCache",
    "domains_of",
    "key_of_limit",
    "key_of_pace",
    "pace_of",
    "read_limits",
]

FRESH = 1.0  # seconds
ANY = "*"

# A bucket holds a second, ten seconds or a minute of its rate: so much can leave at once, no more. That is also
# the most by which an emptied Redis can exceed a rate.
PERIODS = {"per_second": (1.0, 1.0), "per_minute": (60.0, 10.0), "per_hour": (3600.0, 60.0)}

LIMITS = text("""
select id, workspace_id, account_id, sender_id, domain_id, recipient_domain, per_second, per_minute, per_hour, per_day
from mail_limits where workspace_id = any(cast(:tenants as uuid[])) order by id""")

# Half a day without a push-back, and it is forgotten: nobody may have sent there since.
STILL = """({s}.pushed_at > clock_timestamp() - interval '12 hours'
  or {s}.open_until > clock_timestamp())"""

PACES = text(f"""
select s.workspace_id, s.account_id, s.domain, s.rate, s.ceiling, s.failures, s.openings, s.open_until,
  s.probe_until, s.halved_at, clock_timestamp() as now
from mail_slowings s where s.workspace_id = any(cast(:tenants as uuid[])) and {STILL.format(s="s")}""")


def key_of_limit(id: UUID, domain: str = "") -> str:
    """How an email names the limit it waits for."""
    return f"limit:{id}:{domain}"


def key_of_pace(account_id: UUID | None, domain: str) -> str:
    """How an email names the slowed pair it waits for; without a domain, the account."""
    return f"pace:{account_id}:{domain}"


@dataclass(frozen=True, slots=True)
class Limit:
    """One row of mail_limits. At most one of the targets is given; none of them is the whole workspace."""

    id: UUID
    workspace_id: UUID
    account_id: UUID | None
    sender_id: UUID | None
    domain_id: UUID | None
    recipient_domain: str | None
    per_second: int | None
    per_minute: int | None
    per_hour: int | None
    per_day: int | None

    def part(self, domain: str) -> str:
        """What tells the buckets of a limit apart: the domain, where it is for each by itself."""
        return domain if self.recipient_domain == ANY else ""

    def buckets(self, domain: str) -> list[Bucket]:
        """Its token buckets for a mail to this domain. A changed figure is another bucket."""
        made = []
        for period, (seconds, burst) in PERIODS.items():
            count = getattr(self, period)
            if count is not None:
                name = f"{self.id}:{period}:{count}:{self.part(domain)}"
                made.append(Bucket(name, count / seconds, max(1.0, count * burst / seconds)))
        return made


@dataclass(slots=True)
class Rules:
    """Of one workspace."""

    paces: dict[tuple[UUID, str], Pace] = field(default_factory=dict)
    ahead: timedelta = timedelta(0)  # how much the database's clock is ahead of ours
    read_at: float = 0.0
    _by_domain: dict[str, Limit] = field(default_factory=dict)
    _others: list[Limit] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def add(self, limit: Limit) -> None:
        if limit.recipient_domain is not None:
            self._by_domain[limit.recipient_domain] = limit
        else:
            self._others.append(limit)

    def limits_of(self, mail: Outgoing, domain: str) -> list[Limit]:
        """The limits this mail counts for. A domain's own limit takes the place of the one for each."""
        chosen = self._by_domain.get(domain) or self._by_domain.get(ANY)
        found = [
            limit
            for limit in self._others
            if (limit.account_id is None or limit.account_id == mail.account_id)
            and (limit.sender_id is None or limit.sender_id == mail.sender_id)
            and (limit.domain_id is None or limit.domain_id == mail.domain_id)
        ]
        return [*found, chosen] if chosen else found

    @property
    def any(self) -> bool:
        """Whether there is anything that could hold a mail back."""
        return bool(self._by_domain or self._others or self.paces)


def read_limits(session: Session, tenants: Sequence[UUID]) -> dict[UUID, Rules]:
    """The limits of these workspaces as they stand now."""
    rules = {tenant: Rules() for tenant in tenants}
    for row in session.execute(LIMITS, {"tenants": list(tenants)}).mappings():
        rules[row["workspace_id"]].add(Limit(**row))
    return rules


class RulesCache:
    """Rules by workspace. What nobody set costs two small statements a second, whatever is sent."""

    def __init__(self) -> None:
        self._known: dict[UUID, Rules] = {}

    def of(self, session: Session, mails: Iterable[Outgoing]) -> Mapping[UUID, Rules]:
        """The rules of these mails' workspaces, a second old at most."""
        tenants = {mail.workspace_id for mail in mails}
        stale = time.monotonic() - FRESH
        missing = [
            tenant for tenant in tenants if (held := self._known.get(tenant)) is None or held.read_at < stale
        ]
        if missing:
            if len(self._known) > 10_000:
                self._known.clear()
                missing = list(tenants)
            self._known |= self._read(session, missing)
        return {tenant: self._known[tenant] for tenant in tenants}

    def held(self, tenant: UUID) -> Rules:
        """What was read last."""
        return self._known.get(tenant) or Rules()

    def forget(self, tenant: UUID) -> None:
        """Read it again next time: something has changed here."""
        self._known.pop(tenant, None)

    @staticmethod
    def _read(session: Session, tenants: Sequence[UUID]) -> dict[UUID, Rules]:
        rules = read_limits(session, tenants)
        at = time.monotonic()
        for each in rules.values():
            each.read_at = at
        for row in session.execute(PACES, {"tenants": list(tenants)}).mappings():
            mine = rules[row["workspace_id"]]
            mine.ahead = row["now"] - datetime.now(UTC)
            mine.paces[row["account_id"], row["domain"]] = pace_of(row)
        return rules


def pace_of(row: RowMapping) -> Pace:
    """A row of mail_slowings as the pure functions take it."""
    return Pace(**{name: row[name] for name in Pace.__slots__})


def domains_of(mails: Iterable[Outgoing]) -> dict[UUID, str]:
    """Email id → the domain it goes to."""
    return {mail.id: domain_of(mail.to_address) for mail in mails}
