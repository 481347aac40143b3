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
from autoloop.mail.services.unknowns import Unknowns
from autoloop.settings import Settings
from tests.crash.audit import watch_fences
from tests.crash.fleet import Fleet
from tests.crash.invariants import broken_rules, unknown_mails
from tests.crash.world import World, make_world
from tests.factories import Tenant

pytestmark = pytest.mark.timeout(0)

EVERY = 100
"""So often do kills say how far they are."""

SMALL = {"runs": 500, "kills": 150, "flushes": 5}
LOOK = 0.1
STANDSTILL = 1.5
STUCK = 60.0
# What dead workers held is free after 30 s. When nothing moves, that time is made to pass; for all: the living, too,
# find leases gone that they thought they had, as after a pause of the whole machine.
TIME_PASSES = tuple(
    text(f"""update {table} set lease_until = clock_timestamp() where ctid = any (array(
    select ctid from {table} where lease_until > clock_timestamp() for update skip locked))""")
    for table in ("email_logs", "run_actions")
)
ON_THE_WIRE = text("select exists (select from email_logs where status = 'sending')")
STANDING = text("""
select r.status, r.due_at <= now() as due, r.attempts, r.reason, w.kind, w.node, e.status as mail,
  (select count(*) from run_stimuli s where s.run_id = r.id) as stimuli, count(*) as n
from workflow_runs r left join run_waits w on w.run_id = r.id
left join email_logs e on e.run_id = r.id and e.node = w.node and e.status <> 'resent'
where r.ended_at is null group by 1, 2, 3, 4, 5, 6, 7, 8""")
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
    shots: list[str] = field(default_factory=list)
    waves: list[int] = field(default_factory=list)
    threshold: int = 0
    aimed: float = 0.5
    on_the_wire: int = 0

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
        """Often: wait for a mail that is on the wire at this moment, for there a kill hurts most."""
        if self.chance.random() >= self.aimed:
            return
        until = time.monotonic() + 0.3
        with self.world.runtime.worker_engine.connect() as connection:
            while time.monotonic() < until:
                if connection.execute(ON_THE_WIRE).scalar():
                    self.on_the_wire += 1
                    return
                connection.rollback()
                time.sleep(0.005)

    def let_time_pass(self) -> None:
        with self.world.runtime.unit("worker") as services:
            for statement in (*TIME_PASSES, BATCHES_AGE):
                services.session.execute(statement)

    def settle(self) -> None:
        """A person looks up in the receiving server's log what became of the mails shown as unknown."""
        arrived = {message_id for message_id, _ in self.taken}
        with self.world.runtime.unit("web", self.world.tenant.id) as services:
            for id, message_id in unknown_mails(services.session.connection(), self.world.tenant.id):
                services(Unknowns).settle_one(id, "accepted" if message_id in arrived else "resend")
                self.settled += 1

    def state(self) -> str:
        """For whoever must find out why nothing moves."""
        now = self.figures()
        with self.world.runtime.worker_engine.connect() as connection:
            standing = [dict(row) for row in connection.execute(STANDING).mappings()]
        queues = {name: self.redis.llen(name) for name in self.redis.keys("autoloop*")}
        logs = [path.read_text()[-1500:] for path in sorted(self.fleet.folder.glob("*.log"))]
        return f"Runs {now.runs}, mails {now.mails}, standing {standing}, queues {queues}, logs {logs}"

    @property
    def is_swept(self) -> bool:
        """True once nothing tells of dead workers any more."""
        with self.world.runtime.worker_engine.connect() as connection:
            return not connection.execute(BATCHES).scalar()

    def load(self, runs: int, kills: int, flushes: int) -> None:
        """Mix the shots; with each, its share of the runs begins, so that every one hits workers at work."""
        self.shots = ["kill"] * kills + ["flush"] * flushes
        self.chance.shuffle(self.shots)
        self.waves = [runs // len(self.shots) + (n < runs % len(self.shots)) for n in range(len(self.shots))]
        self.next_wave()

    def next_wave(self) -> None:
        """Let people in, and say how many more mails must arrive before the next shot."""
        if self.waves:
            self.world.enter(size := self.waves.pop())
            self.threshold = len(self.answered) + self.chance.randrange(2 * size + 1)

    def shoot(self) -> None:
        """The next shot; it stays if there was nobody to be hit."""
        if self.shots[-1] == "flush":
            self.redis.flushall()
        else:
            self.aim()
            if not self.fleet.kill(self.chance):
                return
        self.shots.pop()
        self.next_wave()


@pytest.fixture
def crash(runtime: Runtime, settings: Settings, tenant: Tenant, tmp_path: Path, seed: int) -> Iterator[Crash]:
    watch_fences(settings)
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
    runs, kills, flushes = (pytestconfig.getoption(f"--{name}", small) for name, small in SMALL.items())
    crash.aimed = pytestconfig.getoption("--aim", 0.5)
    began = moved = progressed = time.monotonic()
    crash.load(runs, kills, flushes)
    now = crash.look()
    while crash.shots or not (now.over and crash.is_swept):
        assert time.monotonic() < progressed + STUCK, f"seed {seed}: stuck. {crash.state()}"
        if crash.shots and (len(crash.answered) >= crash.threshold or now.over):
            crash.shoot()
            if crash.shots and not len(crash.shots) % EVERY:
                with capsys.disabled():
                    print(
                        f"\ncrash: seed {seed}, {len(crash.shots)} shots left, {time.monotonic() - began:.0f} s"
                    )
        crash.settle()
        before, now = (len(crash.answered), now.steps), crash.look()
        if (len(crash.answered), now.steps) != before:
            moved = progressed = time.monotonic()
        elif time.monotonic() - moved > STANDSTILL:
            crash.let_time_pass()
            moved = time.monotonic()
        time.sleep(LOOK)
    seconds = time.monotonic() - began
    with crash.world.runtime.worker_engine.connect() as connection:
        broken = broken_rules(connection, crash.world.tenant.id, crash.world.workflow_id, crash.taken)
    with capsys.disabled():
        print(
            f"\ncrash: seed {seed}, {now.people} runs, {len(crash.taken)} mails, {now.steps} steps, "
            f"{crash.fleet.killed['child']} processes and {crash.fleet.killed['group']} whole workers killed, "
            f"{crash.on_the_wire} times mail was seen on the wire before, {flushes} flushes, {crash.settled} unknown, {seconds:.0f} s"
        )
    assert not broken, f"seed {seed}: " + "; ".join(map(str, broken))
    assert now.people == runs
    assert sum(crash.fleet.killed.values()) == kills
