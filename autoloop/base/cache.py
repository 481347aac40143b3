"""dogpile regions over Redis. JSON only; without Redis every look-up is a miss, never an error."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

import orjson
from dogpile.cache import make_region, register_backend
from dogpile.cache.api import NO_VALUE, CacheBackend, CachedValue
from dogpile.cache.region import CacheRegion

__all__ = ["SCHEMA", "Cache", "cache_key"]

log = logging.getLogger(__name__)

SCHEMA = 1  # raise when the shape of what is cached changes


def cache_key(workspace: object, view: str, arguments: Any, generations: Any) -> str:
    """The one builder of keys: schema version, workspace, view, canonical arguments, generations."""
    canonical = orjson.dumps([arguments, generations], option=orjson.OPT_SORT_KEYS, default=str)
    return f"al:{SCHEMA}:{workspace}:{view}:{hashlib.sha256(canonical).hexdigest()[:32]}"


class ForgivingRedisBackend(CacheBackend):
    """dogpile's Redis backend, with a broken Redis being an empty one."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        import redis

        self.ttl = arguments["redis_expiration_time"]
        self.client = redis.Redis.from_url(
            arguments["url"], socket_timeout=0.3, socket_connect_timeout=0.3, retry_on_timeout=False
        )

    def get(self, key: str) -> Any:
        return self._try(lambda: self.client.get(key)) or NO_VALUE

    def get_serialized(self, key: str) -> Any:
        return self.get(key)

    def set(
        self, key: str, value: CachedValue | bytes
    ) -> None:  # pragma: no cover - dogpile calls the serialized form
        self.set_serialized(key, orjson.dumps(value))

    def set_serialized(self, key: str, value: bytes) -> None:
        self._try(lambda: self.client.set(key, value, ex=self.ttl))

    def delete(self, key: str) -> None:
        self._try(lambda: self.client.delete(key))

    def _try(self, call: Any) -> Any:
        import redis

        try:
            return call()
        except redis.RedisError as error:
            log.info("the cache does not answer: %s", error)
            return None


register_backend("autoloop.redis", "autoloop.base.cache", "ForgivingRedisBackend")  # type: ignore[no-untyped-call]


class Cache:
    """One region per resource, each with its time to live in seconds."""

    def __init__(self, url: str, seconds: dict[str, int]) -> None:
        self.regions: dict[str, CacheRegion] = {
            name: make_region(name=name, serializer=orjson.dumps, deserializer=orjson.loads).configure(
                "autoloop.redis",
                expiration_time=ttl,
                arguments={"url": url, "redis_expiration_time": ttl + 30},
            )
            for name, ttl in seconds.items()
        }

    def get(self, region: str, key: str) -> Any | None:
        value = self.regions[region].get(key)
        return None if value is NO_VALUE else value

    def set(self, region: str, key: str, value: Any) -> None:
        self.regions[region].set(key, value)
