"""The private Redis, real and in Python: the same client code, the same broker."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from autoloop.base.nudges import Nudger, queue_of
from autoloop.embedded.redis import Redis

REAL = pytest.param(
    False, marks=pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server on PATH")
)


@pytest.fixture(params=[REAL, pytest.param(True, id="python")], ids=["redis-server", "python"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Redis]:
    with Redis(tmp_path / "redis", pure=request.param) as server:
        yield server


def test_keeps_bytes_counts_and_runs_scripts(server: Redis) -> None:
    client = redis.Redis.from_url(server.url)
    client.set("key", b"a\r\n\x00b", ex=60)
    assert client.get("key") == b"a\r\n\x00b"
    assert client.pipeline().incr("n").expire("n", 60).execute() == [1, True]
    assert client.eval("return redis.call('incrby', KEYS[1], ARGV[1])", 1, "n", 4) == 5
    assert (server.socket_path.parent.stat().st_mode & 0o077) == 0


def test_takes_nudges(server: Redis) -> None:
    nudger = Nudger(server.broker_url)
    assert nudger.nudge("advance")
    assert redis.Redis.from_url(server.url).llen(queue_of("advance")) == 1
    nudger.close()


def test_many_clients_at_once(server: Redis) -> None:
    clients = [redis.Redis.from_url(server.url) for _ in range(20)]
    for number, client in enumerate(clients):
        client.set(f"k{number}", number)
    assert [client.get(f"k{number}") for number, client in enumerate(clients)] == [
        b"%d" % n for n in range(20)
    ]


def test_stops_and_starts_empty(server: Redis) -> None:
    redis.Redis.from_url(server.url).set("key", "value")
    server.stop()
    assert not server.answers
    server.start()
    assert redis.Redis.from_url(server.url).get("key") is None
