"""A worker that is asked to stop ends its batches and stops within ten seconds, whatever it is doing."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from autoloop.embedded.redis import Redis
from autoloop.settings import Settings
from tests.crash.fleet import Fleet
from tests.crash.story import Story
from tests.functional.mail_world import until

pytestmark = pytest.mark.timeout(120)

MOST = 12.0  # ten, and what a busy machine adds
WHERE = ("broker frozen", "mail hangs")
MORE = ("at work", "broker gone", "call hangs")
BEGUN = {"mail hangs": "select 1 from email_logs where workspace_id = :w and lease_until is not null"}
BEGUN["call hangs"] = "select 1 from run_actions where workspace_id = :w and lease_until is not null"
WORKED = "select 1 from run_steps where workspace_id = :w"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A server of our own: it is to be frozen."""
    with Redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


def hit_broker(redis: Redis, where: str) -> None:
    assert redis.process is not None
    if where == "broker gone":
        redis.stop()
    elif where == "broker frozen":
        redis.process.send_signal(signal.SIGSTOP)


def mend_broker(redis: Redis) -> None:
    assert redis.process is not None
    redis.process.send_signal(signal.SIGCONT)
    redis.start()


@pytest.mark.parametrize("where", [*WHERE, *MORE])
def test_it_stops_in_time(
    story: Story, hit: Settings, redis: Redis, tmp_path: Path, where: str, pytestconfig: pytest.Config
) -> None:
    if where in MORE and not pytestconfig.getoption("--thorough", False):
        pytest.skip("in the long form")
    released = Event()
    if where == "mail hangs":
        story.sink.usual = lambda verb, _: "hang" if verb == "MAIL" else None
    elif where == "call hangs":
        story.server.meanwhile = lambda: released.wait(60)
    with Fleet(hit, tmp_path, workers=1) as fleet:
        for _ in range(10):
            story.enter(["event"])
        until(lambda: bool(story.sql(BEGUN.get(where, WORKED))), 40)
        hit_broker(redis, where)
        try:
            began = time.monotonic()
            status = fleet.end("worker0")
            took = time.monotonic() - began
        finally:
            mend_broker(redis)
            released.set()
            story.server.meanwhile = lambda: None
            story.sink.behave()
    print(f"crash: {where}: stopped after {took:.1f} s")
    assert status == 0 and took < MOST
    assert story.to_rest(), story.why
    assert story.broken() == []
