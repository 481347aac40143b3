"""Real workers and schedulers: the broker fails in every way, processes are rolled; messages only make it quick."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis import Redis as RedisClient

from autoloop.base.nudges import TASK, make_celery, queue_of
from autoloop.embedded.redis import Redis
from autoloop.settings import Settings
from tests.crash.fleet import Fleet
from tests.crash.story import GOING, Story
from tests.functional.mail_world import until

pytestmark = pytest.mark.timeout(0)

FROZEN, OFTEN, TIMES = 4.0, 20, 3
KINDS = ("route", "advance", "mail", "perform", "enrol")
DONE = object()
FORGED = (
    "advance",
    7,
    None,
    {"kind": "mail"},
    ["mail"],
    "no such kind",
    "mail'; drop table workflow_runs; --",
    "x" * 10_000,
)
RAW = (
    b"no message",
    b"",
    b"\xff\x00",
    b"7",
    b"null",
    b"[]",
    b"{}",
    b'{"body": 7, "properties": {}}',
    b'{"body": "e30=", "headers": {}, "properties": {"delivery_tag": "1", "delivery_info": {}}}',
    (
        b'{"body": "!", "content-type": "application/x-python-serialize", "content-encoding": "no-such",'
        b' "headers": {"task": "autoloop.work", "id": 7},'
        b' "properties": {"delivery_tag": "2", "body_encoding": "base64"}}'
    ),
    b"[" * 100_000,
    b"x" * 10_000_000,
)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A server of our own: it is to be frozen and starved."""
    with Redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def broker(redis: Redis) -> Iterator[RedisClient]:
    with RedisClient.from_url(redis.url) as client:
        yield client


@dataclass
class Scene:
    """One fault: it begins, it happens again and again while runs go on, it ends."""

    fleet: Fleet
    redis: Redis
    broker: RedisClient
    frozen_for: float = FROZEN
    at: float = field(default_factory=time.monotonic)

    def emptied(self) -> Iterator[None]:
        for _ in range(OFTEN):
            self.broker.flushall()
            yield

    def restarted_empty(self) -> Iterator[None]:
        self.redis.stop()
        yield
        self.redis.start()
        yield

    def frozen(self) -> Iterator[None]:
        """Longer than anybody waits for an answer."""
        assert self.redis.process is not None
        self.redis.process.send_signal(signal.SIGSTOP)
        while time.monotonic() < self.at + self.frozen_for:
            yield
        self.redis.process.send_signal(signal.SIGCONT)
        yield

    def out_of_memory(self) -> Iterator[None]:
        self.broker.config_set("maxmemory-policy", "noeviction")
        self.broker.config_set("maxmemory", 1)
        while time.monotonic() < self.at + FROZEN:
            yield
        self.broker.config_set("maxmemory", 0)
        yield

    def messages_doubled_shuffled_and_forged(self) -> Iterator[None]:
        celery = make_celery(self.redis.broker_url)
        for word in FORGED:
            celery.send_task(TASK, args=[word], queue=queue_of("advance"))
        celery.send_task(TASK, args=[], queue=queue_of("mail"))
        celery.send_task("no.such.task", args=["mail"], queue=queue_of("mail"))
        workers = self.fleet.members
        for raw in RAW:
            self.broker.lpush(queue_of("advance"), raw)
        while self.broker.llen(queue_of("advance")):
            yield
        for _ in range(OFTEN):
            for kind in random.sample(KINDS * TIMES, len(KINDS) * TIMES):
                celery.send_task(TASK, args=[kind], queue=queue_of(kind))
            yield
        assert self.fleet.members == workers, "a message ended a worker"

    def no_scheduler(self) -> Iterator[None]:
        self.fleet.schedulers = 0
        self.fleet.end("scheduler0", signal.SIGKILL)
        while time.monotonic() < self.at + 3:
            yield
        self.fleet.schedulers = 1
        yield

    def three_schedulers(self) -> Iterator[None]:
        self.fleet.schedulers = 3
        self.fleet.tend()
        until(lambda: self.fleet.ticking == 3, 60)
        yield
        assert self.fleet.ticking == 3

    def rolling_restart(self) -> Iterator[None]:
        self.fleet.schedulers = 1
        for name in list(self.fleet.parents):
            assert self.fleet.end(name) == 0, f"{name} did not end well"
            yield


FAULTS = [name for name, value in vars(Scene).items() if callable(value) and not name.startswith("_")]


def settled(story: Story, fleet: Fleet, scene: Iterator[None]) -> float:
    """The fleet alone brings every run to its end, through the whole fault. Seconds that took."""
    began = time.monotonic()
    for _ in range(4):
        story.enter(["event", "tag"])
        next(scene, None)
    while next(scene, DONE) is not DONE or story.sql(GOING)[0][0]:
        fleet.tend()
        assert time.monotonic() < began + 150, story.why
        if time.monotonic() > began + 10:
            story.let_time_pass()
        time.sleep(0.1)
    until(lambda: story.broken() == [], 10)
    assert len(story.taken) == len(story.people)
    return time.monotonic() - began


def test_messages_only_make_it_quick(
    story: Story,
    hit: Settings,
    redis: Redis,
    broker: RedisClient,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    pytestconfig: pytest.Config,
) -> None:
    told = []
    frozen_for = 60.0 if pytestconfig.getoption("--thorough", False) else FROZEN
    with Fleet(hit, tmp_path, workers=1) as fleet:
        for name in FAULTS:
            seconds = settled(story, fleet, getattr(Scene(fleet, redis, broker, frozen_for), name)())
            told.append(f"{name.replace('_', ' ')} {seconds:.0f} s")
    with capsys.disabled():
        print("\ncrash: " + ", ".join(told))
