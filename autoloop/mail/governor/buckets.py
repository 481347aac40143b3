"""Token buckets: which of these mails may go now, and when the others have their turn. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["BULK", "HORIZON", "PROMPT", "Bucket", "Demand", "Level", "spend"]

HORIZON = 3600.0  # seconds; who would wait longer looks again then, as limits and mails may have changed
PROMPT, BULK = 0, 1


@dataclass(frozen=True, slots=True)
class Bucket:
    """Holds up to `burst` tokens and gains `rate` of them a second; each mail takes one."""

    name: str
    rate: float
    burst: float


@dataclass(frozen=True, slots=True)
class Level:
    """A bucket at a moment (seconds since the epoch), and up to when each lane's turns were given away."""

    tokens: float
    at: float
    given: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Demand:
    """One mail: its lane, and the places of its buckets in the list of buckets."""

    lane: int
    buckets: tuple[int, ...]


def spend(
    buckets: Sequence[Bucket], levels: Mapping[str, Level], demands: Sequence[Demand], now: float
) -> tuple[list[float], list[int], dict[str, Level]]:
    """For each mail the seconds it waits (0: it may go) and the place of the bucket it waits for (-1: none);
    and the levels after that.

    A mail goes when every one of its buckets has a token. Else it is given the next free turn of those
    that have none, a turn being 1/rate seconds, so that a long queue comes back one by one and not all
    at once. What is prompt does not queue behind what is bulk. The same as SPEND in
    `autoloop.mail.governor.in_redis`.
    """
    tokens, given = [], []
    for bucket in buckets:
        level = levels.get(bucket.name)
        held = level.tokens + max(0.0, now - level.at) * bucket.rate if level else bucket.burst
        tokens.append(min(bucket.burst, held))
        given.append(list(level.given) if level else [0.0, 0.0])
    waits, causes = [], []
    for demand in demands:
        lacking = [place for place in demand.buckets if tokens[place] < 1.0]
        if not lacking:
            for place in demand.buckets:
                tokens[place] -= 1.0
        wait, cause = 0.0, -1
        for place in lacking:
            rate = buckets[place].rate
            turn = max(now + (1.0 - tokens[place]) / rate, given[place][demand.lane] + 1.0 / rate)
            if turn - now > HORIZON:
                turn = now + HORIZON
            given[place][demand.lane] = turn
            if turn - now > wait:
                wait, cause = turn - now, place
        waits.append(wait)
        causes.append(cause)
    after = {
        bucket.name: Level(tokens[place], now, (given[place][0], given[place][1]))
        for place, bucket in enumerate(buckets)
    }
    return waits, causes, after
