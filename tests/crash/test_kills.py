"""Worker processes are killed at random and Redis is emptied; nothing is lost, nothing comes twice."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from zlib import crc32

import pytest
from redis import Redis as RedisClient
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from autoloop.demo.figures import Figures, read_figures
from autoloop.demo.sink import SinkProcess
from autoloop.embedded.smtp_sink import Journal
from autoloop.mail.services.emails import Emails
from autoloop.settings import Settings
from tests.crash.fleet import Fleet
from tests.crash.invariants import broken_rules, unknown_mails
from tests.crash.world import World, make_world
from tests.factories import Tenant

pytestmark = pytest.mark.timeout(0)

# What dead workers held is free after 30 s. Time is made to pass for all: the living, too, find leases gone that
# they thought they had, as after a pause of the whole machine.
TIME_PASSES = tuple(
    text(f"update {table} set lease_until = clock_timestamp() where lease_until > clock_timestamp()")
    for table in ("email_logs", "run_actions")
)
ON_THE_WIRE = text("select exists (select from email_logs where status = 'sending')")
BATCHES = text("select count(*) from run_batches")
BATCHES_AGE = text("update run_batches set started_at = started_at - interval '30 seconds'")


@dataclass
class Crash:
    """One test under way."""

    world: World
    fleet: Fleet
    sink: SinkProcess
    redis: RedisClient
    chance: random.Random
    answered: set[str] = field(default_factory=set)
    settled: int = 0

    @property
    def taken(self) -> list[tuple[str, str]]:
        return Journal.read(self.sink.journal)

    def figures(self) -> Figures:
        return read_figures(self.world.runtime.worker_engine, self.world.tenant.id, self.world.workflow_id)

    def look(self) -> Figures:
        """Start what died, answer what arrived, count."""
        self.fleet.tend()
        new = [mail for mail in self.taken if mail[0] not in self.answered]
        self.answered |= {message_id for message_id, _ in new}
        self.world.reply([mail for mail in new if crc32(mail[0].encode()) % 8 == 0])
        return self.figures()

    def aim(self) -> None:
        """Half of the time: wait for a mail that is on the wire at this moment, for there a kill hurts most."""
        until = time.monotonic() + (0.3 if self.chance.random() < 0.5 else 0.0)
        with self.world.runtime.worker_engine.connect() as connection:
            while time.monotonic() < until and not connection.execute(ON_THE_WIRE).scalar():
                connection.rollback()

    def let_time_pass(self) -> None:
        with self.world.runtime.unit("worker") as services:
            for statement in (*TIME_PASSES, BATCHES_AGE):
                services.session.execute(statement)

    def settle(self) -> None:
        """A person looks up in the receiving server's log what became of the mails shown as unknown."""
        arrived = {message_id for message_id, _ in self.taken}
        with self.world.runtime.unit("web", self.world.tenant.id) as services:
            for id, message_id in unknown_mails(services.session.connection(), self.world.tenant.id):
                services(Emails).settle(id, "accepted" if message_id in arrived else "resend")
                self.settled += 1

    @property
    def is_swept(self) -> bool:
        """True once nothing tells of dead workers any more."""
        with self.world.runtime.worker_engine.connect() as connection:
            return not connection.execute(BATCHES).scalar()

    def progress(self, now: Figures) -> float:
        """From 0 to about 1: how much of what is to be done was done."""
        return (len(self.answered) + now.ended) / (3.6 * now.people)


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> int:
    given = pytestconfig.getoption("--seed")
    return random.SystemRandom().randrange(10**6) if given is None else int(given)


@pytest.fixture
def crash(runtime: Runtime, settings: Settings, tenant: Tenant, tmp_path: Path, seed: int) -> Iterator[Crash]:
    small = replace(settings, worker_batch=20)
    with (
        SinkProcess(tmp_path / "sink.journal") as sink,
        Fleet(small, tmp_path) as fleet,
        RedisClient.from_url(settings.redis_url) as redis,
    ):
        yield Crash(make_world(runtime, tenant, sink.port), fleet, sink, redis, random.Random(seed))


def test_nothing_is_lost_and_nothing_comes_twice(
    crash: Crash, seed: int, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, kills, flushes = (pytestconfig.getoption(f"--{name}") for name in ("runs", "kills", "flushes"))
    began = time.monotonic()
    shots = sorted([(crash.chance.random() * 0.9, "kill") for _ in range(kills)])
    shots = sorted(shots + [(crash.chance.random() * 0.9, "flush") for _ in range(flushes)])
    crash.world.enter(runs)
    now = crash.look()
    killing = began
    deadline = began + 90 + runs * 0.3 + kills * 2.0
    while shots or not (now.over and crash.is_swept):
        assert time.monotonic() < deadline, f"seed {seed}: stuck with runs {now.runs}, mails {now.mails}"
        # With everybody dead for a moment there is no progress: then the next shot comes all the same.
        if shots and (crash.progress(now) >= shots[0][0] or now.over):
            if shots[0][1] == "flush":
                crash.redis.flushall()
                shots.pop(0)
                continue
            crash.aim()
            if crash.fleet.kill(crash.chance):
                shots.pop(0)
                crash.let_time_pass()
                killing = time.monotonic()
        if not shots and time.monotonic() - killing > 3:
            crash.let_time_pass()
            killing = time.monotonic()
        crash.settle()
        now = crash.look()
        time.sleep(0.05)
    seconds = time.monotonic() - began
    with crash.world.runtime.worker_engine.connect() as connection:
        broken = broken_rules(connection, crash.world.tenant.id, crash.world.workflow_id, crash.taken)
    with capsys.disabled():
        print(
            f"\ncrash: seed {seed}, {now.people} runs, {len(crash.taken)} mails, {now.steps} steps, "
            f"{crash.fleet.killed['child']} processes and {crash.fleet.killed['group']} whole workers killed, "
            f"{flushes} flushes, {crash.settled} unknown, {seconds:.0f} s"
        )
    assert not broken, f"seed {seed}: " + "; ".join(map(str, broken))
    assert now.people == runs
    assert sum(crash.fleet.killed.values()) == kills
