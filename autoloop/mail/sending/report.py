"""What limits the rate of mail right now: each limit, cap, ramp, window and break, and how much mail waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.services import Service
from autoloop.mail.governor.rules import STILL, key_of_limit, key_of_pace
from autoloop.mail.governor.slowing import ACCOUNT
from autoloop.mail.models import MailSlowing, ProviderAccount, Sender
from autoloop.mail.sending.limits import Limits, wake
from autoloop.mail.sending.waiting import Waiting, sent, waits_of
from autoloop.mail.services.senders import Senders
from autoloop.workspaces.services import WorkspaceAudit

__all__ = ["Braked", "Sending"]

USED = text("""
select d.limit_id, max(d.used) as used from limit_days d join workspaces w on w.id = d.workspace_id
where d.workspace_id = :workspace and d.day = (clock_timestamp() at time zone w.timezone)::date group by d.limit_id""")

# What these say is shown with the limit, the sender or the pair that it is about.
OF_ROWS = frozenset({"rate", "slowed", "breaker", "account_resting", "daily_cap"})


@dataclass(frozen=True, slots=True)
class Braked:
    """One thing that holds mail back, or would."""

    kind: str  # limit, cap, ramp, slowed, breaker, account or other
    waiting: Waiting
    row: Any = None
    used: int | None = None
    most: int | None = None
    until: datetime | None = None
    reason: str | None = None


@dataclass(slots=True)
class Report:
    """Figures of now, and everything that may limit the rate, what holds most mail first."""

    now: datetime
    waiting: Waiting
    free: Waiting
    sending: int
    last_minute: int
    last_hour: int
    brakes: list[Braked] = field(default_factory=list)


class Sending(Service):
    """Reads what limits the rate, and lifts breaks by hand."""

    def report(self) -> Report:
        """Every limit, cap, ramp, slowed pair and reason to wait, with the mail that waits for it."""
        waits = waits_of(self.session, self.workspace_id)
        now = sent(self.session, self.workspace_id)
        whole = Waiting()
        for each in waits.values():
            whole.add(each)
        free = waits.get(("", ""), Waiting())
        brakes = [*self._limits(waits), *self._senders(waits), *self._slow(waits, now.now), *_others(waits)]
        brakes.sort(key=lambda brake: -brake.waiting.count)
        return Report(now.now, whole, free, now.sending, now.last_minute, now.last_hour, brakes)

    def close(self, account_id: UUID, domain: str) -> None:
        """End a break by hand, or forget that a pair was slowed; an empty domain is the whole account.

        After a break the pair goes on at the slow speed that it had found. Raises Invalid if nothing is slowed.
        """
        row = self.session.get(MailSlowing, (self.workspace_id, account_id, domain.strip().lower()))
        account = self.session.get(ProviderAccount, (self.workspace_id, account_id))
        if row is None or account is None:
            raise Invalid(details={"domain": [_("Nothing is slowed down here.")]})
        broken = row.open_until is not None
        if row.rate is None or not broken:
            self.session.delete(row)
        else:
            row.open_until = row.probe_until = None
            row.failures = row.openings = 0
        if row.domain == ACCOUNT:
            account.rest_until = None
        self.session.flush()
        self.services(WorkspaceAudit).note(
            "sending.break_ended" if broken else "sending.slowing_ended",
            subject=account.name,
            domain=row.domain,
            said=row.said,
        )
        wake(self, key_of_pace(account_id, row.domain), "breaker", "slowed", "account_resting")

    def _limits(self, waits: Mapping[tuple[str, str], Waiting]) -> list[Braked]:
        counted = self.session.execute(USED, {"workspace": self.workspace_id})
        used: dict[UUID, int] = {row.limit_id: row.used for row in counted}
        return [
            Braked(
                "limit",
                _all(waits, key_of_limit(row.id), "rate", "daily_cap"),
                row,
                used=used.get(row.id, 0) if row.per_day is not None else None,
                most=row.per_day,
            )
            for row in self.session.execute(self.services(Limits).rows())
        ]

    def _senders(self, waits: Mapping[tuple[str, str], Waiting]) -> list[Braked]:
        rows = self.session.execute(self.services(Senders).rows().order_by(Sender.name)).all()
        return [
            Braked(
                "cap" if row.daily_cap is not None and row.cap_today >= row.daily_cap else "ramp",
                _all(waits, f"sender:{row.id}", "daily_cap"),
                row,
                used=row.used_today,
                most=row.cap_today,
            )
            for row in rows
            if row.cap_today is not None
        ]

    def _slow(self, waits: Mapping[tuple[str, str], Waiting], now: datetime) -> list[Braked]:
        table, account = MailSlowing, ProviderAccount
        query = (
            select(table.__table__, account.name.label("account_name"), account.rest_until)
            .join(account, (account.workspace_id == table.workspace_id) & (account.id == table.account_id))
            .where(table.workspace_id == self.workspace_id, text(STILL.format(s="mail_slowings")))
        )
        found = []
        for row in self.session.execute(query):
            until = row.open_until if row.domain != ACCOUNT or row.rest_until is not None else None
            kind = "account" if row.domain == ACCOUNT else "breaker" if until is not None else "slowed"
            # The key of an account is also how those of its domains begin.
            reasons = ("account_resting",) if row.domain == ACCOUNT else ("slowed", "breaker")
            waiting = _all(waits, key_of_pace(row.account_id, row.domain), *reasons)
            found.append(Braked(kind, waiting, row, until=until if until and until > now else None))
        return found


def _others(waits: Mapping[tuple[str, str], Waiting]) -> list[Braked]:
    """Send windows and whatever else mail waits for."""
    return [
        Braked("other", waiting, reason=reason)
        for (reason, _key), waiting in waits.items()
        if reason and reason not in OF_ROWS
    ]


def _all(waits: Mapping[tuple[str, str], Waiting], key: str, *reasons: str) -> Waiting:
    """What waits for a key, or for one that begins so (the domains of a limit for each)."""
    whole = Waiting()
    for (reason, held_by), waiting in waits.items():
        if (
            reason in reasons
            and held_by
            and (held_by == key or (key.endswith(":") and held_by.startswith(key)))
        ):
            whole.add(waiting)
    return whole
