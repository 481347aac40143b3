"""Token buckets in Redis: one round trip for a whole batch of mails."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import redis

from autoloop.mail.governor.buckets import HORIZON, Bucket, Demand

__all__ = ["RedisBuckets"]

log = logging.getLogger(__name__)

ANSWERS_WITHIN = 0.3
BROKEN_SECONDS = 5.0

# The same as `autoloop.mail.governor.buckets.spend`; a test compares the two. By the clock of Redis, which is
# one for all workers. Numbers come back as text, for Redis cuts them to integers.
SPEND = f"""
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local count = tonumber(ARGV[1])
local rate, tokens, burst, given = {{}}, {{}}, {{}}, {{{{}}, {{}}}}
for i = 1, count do
  rate[i], burst[i] = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local held = redis.call('HMGET', KEYS[i], 'tokens', 'at', 'prompt', 'bulk')
  tokens[i] = burst[i]
  if held[1] then
    tokens[i] = math.min(burst[i], tonumber(held[1]) + math.max(0, now - tonumber(held[2])) * rate[i])
  end
  given[1][i], given[2][i] = tonumber(held[3] or 0), tonumber(held[4] or 0)
end
local answer, at = {{}}, 2 * count + 2
while at <= #ARGV do
  local lane, mine = given[tonumber(ARGV[at]) + 1], tonumber(ARGV[at + 1])
  local wait, cause, lacks = 0, -1, false
  for j = at + 2, at + 1 + mine do
    local i = tonumber(ARGV[j]) + 1
    if tokens[i] < 1 then
      lacks = true
      local turn = math.max(now + (1 - tokens[i]) / rate[i], lane[i] + 1 / rate[i])
      if turn - now > {HORIZON} then turn = now + {HORIZON} end
      lane[i] = turn
      if turn - now > wait then wait, cause = turn - now, i - 1 end
    end
  end
  if not lacks then
    for j = at + 2, at + 1 + mine do
      local i = tonumber(ARGV[j]) + 1
      tokens[i] = tokens[i] - 1
    end
  end
  answer[#answer + 1] = string.format('%.6f', wait)
  answer[#answer + 1] = tostring(cause)
  at = at + 2 + mine
end
for i = 1, count do
  redis.call('HSET', KEYS[i], 'tokens', string.format('%.9f', tokens[i]), 'at', string.format('%.6f', now),
    'prompt', string.format('%.6f', given[1][i]), 'bulk', string.format('%.6f', given[2][i]))
  redis.call('EXPIRE', KEYS[i], math.ceil(burst[i] / rate[i] + {HORIZON} + 60))
end
return answer
"""


class RedisBuckets:
    """Buckets that all workers share. An emptied Redis has full ones: at most a burst too much."""

    def __init__(self, url: str, answers_within: float = ANSWERS_WITHIN) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_timeout=answers_within, socket_connect_timeout=answers_within
        )
        self._spend = self._redis.register_script(SPEND)
        self._broken_until = 0.0

    def spend(
        self, buckets: Sequence[Bucket], demands: Sequence[Demand]
    ) -> tuple[list[float], list[int]] | None:
        """Seconds that each mail waits, and the place of the bucket it waits for (-1: none); None while
        Redis does not answer, which costs at most one try in a few seconds."""
        if time.monotonic() < self._broken_until:
            return None
        given: list[float] = [len(buckets)]
        for bucket in buckets:
            given += (bucket.rate, bucket.burst)
        for demand in demands:
            given += (demand.lane, len(demand.buckets), *demand.buckets)
        try:
            answer = self._spend(keys=[f"al:bucket:{bucket.name}" for bucket in buckets], args=given)
        except redis.RedisError as error:
            log.warning("rates are kept in the database for a while: Redis does not answer (%s)", error)
            self._broken_until = time.monotonic() + BROKEN_SECONDS
            return None
        return [float(each) for each in answer[::2]], [int(each) for each in answer[1::2]]

    def close(self) -> None:
        self._redis.close()
