"""So many in a window: counters in Redis, in this process while Redis does not answer."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass

import redis

__all__ = ["Limits", "Verdict"]

BROKEN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it may pass, how many more may, and in how many seconds the window ends."""

    ok: bool
    remaining: int
    reset: int


class Limits:
    """Fixed windows. Redis makes them hold across processes; they never stop a request by failing."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=0.2, socket_connect_timeout=0.2)
        self._local: dict[str, int] = {}
        self._broken_until = 0.0
        self._lock = threading.Lock()

    def hit(self, name: str, who: str, allowed: int, seconds: int) -> Verdict:
        """Count one and say whether it is within `allowed` per `seconds`."""
        now = time.time()
        window, reset = int(now // seconds), max(1, int(seconds - now % seconds))
        key = f"al:limit:{name}:{hashlib.sha256(who.encode()).hexdigest()[:24]}:{window}"
        count = self._count(key, seconds)
        return Verdict(count <= allowed, max(0, allowed - count), reset)

    def _count(self, key: str, seconds: int) -> int:
        if time.monotonic() >= self._broken_until:
            try:
                pipe = self._redis.pipeline(transaction=False)
                pipe.incr(key)
                pipe.expire(key, seconds + 1)
                return int(pipe.execute()[0])
            except redis.RedisError:
                self._broken_until = time.monotonic() + BROKEN_SECONDS
        with self._lock:
            if len(self._local) > 10_000:
                self._local.clear()
            self._local[key] = self._local.get(key, 0) + 1
            return self._local[key]
