"""Delays after failed sign-ins: kept by address, alike for those that have no account."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import text

from autoloop.accounts.services.audit import InstanceAudit
from autoloop.base.services import Service

__all__ = ["Lockout"]

FREE = 3  # failures before the first delay
LONGEST = timedelta(minutes=15)
FORGOTTEN = timedelta(hours=24)

TAKE = text("""
insert into sign_in_failures (email_hash, failures, last_at) values (:key, 0, :now)
on conflict (email_hash) do update set email_hash = excluded.email_hash
returning failures, last_at, locked_until""")
KEEP = text("""
update sign_in_failures set failures = :failures, last_at = :now, locked_until = :until where email_hash = :key""")
CLEAR = text("delete from sign_in_failures where email_hash = :key")
FORGET = text("""
delete from sign_in_failures where email_hash in (
    select email_hash from sign_in_failures where last_at < :before order by last_at
    for update skip locked limit 50)""")


def delay(failures: int) -> timedelta:
    """How long no further attempt is looked at: 1, 2, 4 … seconds from the third failure, 15 minutes at the most."""
    if failures < FREE:
        return timedelta()
    return min(timedelta(seconds=2 ** min(failures - FREE, 20)), LONGEST)


class Lockout(Service):
    """Attempts for one address go one after the other: the row is locked until the transaction ends.

    So a hundred guesses at once are no faster than a hundred in a row.
    """

    def wait(self, email: str) -> int:
        """Seconds until an attempt for this address is looked at; 0 for now. Takes the address's lock."""
        now = self.clock.now()
        row = self.session.execute(TAKE, {"key": _key(email), "now": now}).one()
        return _seconds(row.locked_until, now)

    def failed(self, email: str) -> int:
        """Count a failure. Returns the seconds to wait from now. Only after `wait`."""
        now = self.clock.now()
        key = _key(email)
        row = self.session.execute(TAKE, {"key": key, "now": now}).one()
        failures = 1 if row.last_at < now - FORGOTTEN else row.failures + 1
        pause = delay(failures)
        until = now + pause if pause else None
        self.session.execute(KEEP, {"key": key, "failures": failures, "now": now, "until": until})
        self.session.execute(FORGET, {"before": now - FORGOTTEN})
        if pause == LONGEST:
            self.services(InstanceAudit).note("sign_in.locked", subject=key.hex()[:16], failures=failures)
        return _seconds(until, now)

    def succeeded(self, email: str) -> None:
        self.session.execute(CLEAR, {"key": _key(email)})


def _key(email: str) -> bytes:
    return hashlib.sha256(email.strip().lower().encode("utf-8", "replace")).digest()


def _seconds(until: datetime | None, now: datetime) -> int:
    if until is None or until <= now:
        return 0
    return max(1, -(-int((until - now).total_seconds() * 1000) // 1000))
