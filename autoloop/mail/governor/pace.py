"""How mail slows down when the other side pushes back, and finds its speed again. Pure: the moment is given.

Additive increase, multiplicative decrease, as TCP does it (Chiu and Jain, 1989), and a circuit breaker on
top: when nothing gets through any more, one mail at a time finds out whether something does.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

__all__ = [
    "LONGEST",
    "Pace",
    "accepted",
    "answered",
    "is_open",
    "pushed_back",
    "pushes_back",
    "troubled",
]

# RFC 5321 §4.2.3 and RFC 4954 §6: not now, perhaps later; 429 by RFC 6585 §4.
PUSH_BACK = frozenset({421, 450, 451, 452, 454, 429})

SLOWEST = 1 / 300  # mails a second: one in five minutes
FIRST = 1.0  # what is halved at least, in mails a second, when nobody knows how fast it went
RECOVERY = timedelta(minutes=20).total_seconds()  # from nothing to the old speed
ROUND = timedelta(seconds=10)  # a burst of push-backs is one: what was under way could not know of it
PATIENCE = 5  # push-backs without anything getting through until the breaker opens
BREAK = timedelta(minutes=1)
ACCOUNT_BREAK = timedelta(seconds=20)
LONGEST = timedelta(hours=6)
ASKED_AT_MOST = timedelta(days=1)  # a server may ask for more patience than ours, up to this


@dataclass(frozen=True, slots=True)
class Pace:
    """Where one account's mail to one domain stands. See `MailSlowing` for the fields."""

    rate: float | None = None
    ceiling: float = 0.0
    failures: int = 0
    openings: int = 0
    open_until: datetime | None = None
    probe_until: datetime | None = None
    halved_at: datetime | None = None


def pushes_back(code: int | None, retry_after: float | None) -> bool:
    """Whether an answer asks for fewer mails, not for another address or another letter."""
    return code in PUSH_BACK or (retry_after or 0) > 0


def is_open(pace: Pace, now: datetime) -> bool:
    """Whether nothing goes at all."""
    return pace.open_until is not None and pace.open_until > now


def pushed_back(
    pace: Pace,
    now: datetime,
    *,
    speed: float,
    count: int = 1,
    asked: float | None = None,
    chance: Callable[[], float] = random.random,
) -> Pace:
    """After `count` push-backs. `speed`: mails a second when it began; `asked`: seconds to wait, if it said so."""
    failures = pace.failures + count
    if pace.halved_at is None or now - pace.halved_at >= ROUND or pace.open_until is not None:
        before = pace.rate if pace.rate is not None else max(speed, FIRST)
        pace = replace(
            pace,
            rate=max(before / 2, SLOWEST),
            ceiling=pace.ceiling if pace.rate is not None else before,
            halved_at=now,
        )
    pace = replace(pace, failures=failures)
    if pace.open_until is not None and is_open(pace, now):
        return _asked(pace, now, asked)  # these left before the break began
    if pace.open_until is not None or failures >= PATIENCE:
        pace = _opened(pace, now, BREAK, chance)
    return _asked(pace, now, asked)


def troubled(
    pace: Pace, now: datetime, *, asked: float | None = None, chance: Callable[[], float] = random.random
) -> Pace:
    """After trouble that concerns the whole account, such as a refused sign-in: a break at once."""
    if is_open(pace, now):
        return _asked(replace(pace, failures=pace.failures + 1), now, asked)
    opened = _opened(replace(pace, failures=pace.failures + 1), now, ACCOUNT_BREAK, chance)
    return _asked(opened, now, asked)


def answered(pace: Pace) -> Pace:
    """The other side takes mail again, or refuses single ones for good: there is no need for a break."""
    return replace(pace, failures=0, openings=0, open_until=None, probe_until=None)


def accepted(pace: Pace, count: int) -> Pace | None:
    """After `count` mails got through: a little faster, by the same amount in each second at full use.
    None once the old speed is reached."""
    pace = answered(pace)
    if pace.rate is None:
        return None
    rate = pace.rate
    for _ in range(count):
        rate = min(rate + max(pace.ceiling, FIRST) / (RECOVERY * rate), rate * 2)
        if rate >= pace.ceiling:
            return None
    return replace(pace, rate=rate)


def _opened(pace: Pace, now: datetime, base: timedelta, chance: Callable[[], float]) -> Pace:
    """Twice as long each time, up to LONGEST, and by chance up to a quarter shorter: not all come back at once."""
    longest = min(base * 2 ** min(pace.openings, 20), LONGEST)
    until = now + longest * (1 - chance() / 4)
    return replace(pace, openings=pace.openings + 1, open_until=until, probe_until=None)


def _asked(pace: Pace, now: datetime, asked: float | None) -> Pace:
    """At least as long as the other side asks for."""
    if not asked or asked <= 0:
        return pace
    until = now + min(timedelta(seconds=min(asked, 86_400.0)), ASKED_AT_MOST)
    if pace.open_until is not None and pace.open_until >= until:
        return pace
    return replace(pace, open_until=until, probe_until=None)
