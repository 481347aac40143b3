"""A campaign through real workers, some of them killed: every key arrives once, and nobody else waits for it."""

from __future__ import annotations

import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen
from typing import Any

import psutil
from redis import Redis as RedisClient
from sqlalchemy import text

from autoloop.base.ids import new_id
from autoloop.demo.sink import SinkProcess
from autoloop.embedded.launch import spawn
from autoloop.embedded.smtp_sink import Journal
from benchmarks.mail import intend, prepare
from benchmarks.stand import Stand, environment, stand

EMAILS = int(os.environ.get("CAMPAIGN", "100000"))
KILLS = 4
PART = 5_000
LOOK = 0.5

PROMPT = text("""
insert into email_logs (workspace_id, id, send_key, kind, sender_id, to_address, content, due_at)
select :w, :id, 'api:' || cast(:id as text), 'transactional', s.id, 'prompt@bench.example',
  '{"subject": "Your code", "text": "1234\\n"}', clock_timestamp()
from senders s where s.workspace_id = :w limit 1""")
WAITED = text("""
select extract(epoch from sent_at - created_at) from email_logs
where workspace_id = :w and kind = 'transactional' and status = 'accepted'""")
STATUSES = text("select status, count(*) from email_logs where workspace_id = :w group by status")


class Workers:
    """Two `autoloop worker`s of one process each and a scheduler; what is killed is started again."""

    def __init__(self, standing: Stand, folder: str) -> None:
        self.standing, self.folder = standing, Path(folder)
        self.running: dict[str, Popen[bytes]] = {}

    def tend(self) -> None:
        for name in ("scheduler", "worker1", "worker2"):
            process = self.running.get(name)
            if process is None or process.poll() is not None:
                words = [name] if name == "scheduler" else ["worker", "--processes", "1", "--name", name]
                with (self.folder / f"{name}.log").open("ab") as log:
                    self.running[name] = spawn(
                        [
                            sys.executable,
                            "-m",
                            "autoloop.cli",
                            *words,
                            "--config",
                            str(self.folder / "c.ini"),
                        ],
                        death_signal=signal.SIGKILL,
                        output=log,
                        env=environment(self.standing.settings),
                    )

    def kill(self) -> None:
        """One worker's sending process, right now."""
        parent = self.running[random.choice(("worker1", "worker2"))]
        with suppress(psutil.Error):
            for child in psutil.Process(parent.pid).children():
                child.kill()

    def memory(self) -> float:
        """PSS of all of them, in MB."""
        total = 0
        for process in self.running.values():
            with suppress(psutil.Error):
                for each in (p := psutil.Process(process.pid), *p.children(recursive=True)):
                    total += each.memory_full_info().pss
        return total / 1e6

    def stop(self) -> None:
        for process in self.running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def working(standing: Stand, folder: str) -> Iterator[Workers]:
    workers = Workers(standing, folder)
    (workers.folder / "c.ini").write_text("[app:main]\nuse = egg:autoloop\n")
    try:
        yield workers
    finally:
        workers.stop()


def main(_rounds: int, _seconds: float) -> None:
    with (
        stand() as standing,
        tempfile.TemporaryDirectory() as folder,
        SinkProcess(Path(folder) / "sink.journal") as sink,
        working(standing, folder) as workers,
        RedisClient.from_url(standing.settings.redis_url) as redis,
    ):
        contacts = standing.contacts(EMAILS)
        template, _ = prepare(standing, sink.port)
        for start in range(0, EMAILS, PART):
            intend(standing, template, contacts[start : start + PART])
        standing.analyze()
        began = time.perf_counter()
        sizes, prompts = follow(standing, workers, redis, sink)
        seconds = time.perf_counter() - began
        show(standing, Journal.read(sink.journal), seconds, sizes, prompts)


def follow(
    standing: Stand, workers: Workers, redis: RedisClient, sink: SinkProcess
) -> tuple[list[float], int]:
    """See it through: kills, one flush, an interactive mail twice a second. Memory seen, prompt mails asked."""
    key = {"w": standing.workspace_id}
    shots: list[Any] = [workers.kill] * KILLS
    shots.insert(KILLS // 2, redis.flushall)
    sizes: list[float] = []
    prompts, least = 0, EMAILS // (len(shots) + 1)
    while True:
        workers.tend()
        with standing.runtime.unit("worker") as services:
            counts = dict(services.session.execute(STATUSES, key).all())
            left = counts.get("intent", 0) + counts.get("sending", 0)
            if left:
                services.session.execute(PROMPT, key | {"id": new_id()})
                prompts += 1
        done = counts.get("accepted", 0)
        if shots and done > least * (KILLS + 2 - len(shots)):
            shots.pop()()
        if done > EMAILS // 10:
            sizes.append(workers.memory())
        if not left:
            return sizes, prompts
        time.sleep(LOOK)


def show(
    standing: Stand, taken: list[tuple[str, str]], seconds: float, sizes: list[float], prompts: int
) -> None:
    key = {"w": standing.workspace_id}
    with standing.runtime.unit("worker") as services:
        waited = sorted(float(row[0]) for row in services.session.execute(WAITED, key))
        counts = dict(services.session.execute(STATUSES, key).all())
    distinct = len({message_id for message_id, _ in taken})
    p95 = waited[int(len(waited) * 0.95)] if waited else float("nan")
    print(f"\nCampaign: {EMAILS:,} emails of 18 kB, two sending processes, {KILLS} kills and a flush")
    print(f"  {len(taken) / seconds:,.0f} emails/s; {seconds:.0f} s")
    print(
        f"  at the sink: {len(taken):,} mails, {distinct:,} distinct, doubled {len(taken) - distinct}; rows {counts}"
    )
    print(
        f"  interactive mail meanwhile: {len(waited)} of {prompts}, p50 {statistics.median(waited):.2f} s, p95 {p95:.2f} s"
    )
    print(
        f"  memory of workers and scheduler (PSS): {min(sizes):.0f} to {max(sizes):.0f} MB, last {sizes[-1]:.0f}"
    )
