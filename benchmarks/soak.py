"""Memory of a whole installation (two web processes, two workers, a scheduler) through minutes of load."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen

import psutil
from sqlalchemy import text

from autoloop.accounts.services import ApiKeys
from autoloop.demo.sink import SinkProcess
from benchmarks.api import free_port, wait_for
from benchmarks.crowd import pss
from benchmarks.executions import command, measure, publish, requests
from benchmarks.load import drive
from benchmarks.mail import intend, prepare
from benchmarks.stand import Stand, stand

MINUTES = int(os.environ.get("SOAK", "10"))
APART = bool(os.environ.get("SOAK_APART"))  # as two commands, which share no memory
MAILS = 2_000  # each minute
CALLS, READS = 35.0, 10.0  # seconds of webhooks and of lists in each minute


class Installation:
    """Web with two processes, worker with two and a scheduler: all on one machine, as one family or apart."""

    def __init__(self, standing: Stand, folder: Path) -> None:
        ini = folder / "bench.ini"
        ini.write_text("[app:main]\nuse = egg:autoloop\n")
        self.port = free_port()
        together = {"all": ["serve", "--port", str(self.port), "--workers", "2", "--all"]}
        apart = {
            "web": ["serve", "--port", str(self.port), "--workers", "2"],
            "worker and scheduler": ["worker", "--processes", "2", "--scheduler"],
        }
        words = apart if APART else together
        self.parts: dict[str, Popen[bytes]] = {
            name: command(each, ini, standing.settings) for name, each in words.items()
        }
        wait_for(self.port)

    def sizes(self) -> dict[str, float]:
        """PSS of each part, in MiB."""
        return {name: pss(process.pid) for name, process in self.parts.items()}

    def stop(self) -> None:
        for process in self.parts.values():
            process.terminate()
        for process in self.parts.values():
            process.wait(20)


def one_minute(standing: Stand, whole: Installation, path: str, people: list[str], key: str, n: int) -> str:
    """Webhooks, lists and mails, then rest until the minute is over. Says what was done."""
    until = time.monotonic() + 60
    calls = measure(whole.port, requests(path, people, f"m{n}"), CALLS)
    head = (
        f"GET /api/v1/w/bench/contacts?limit=50 HTTP/1.1\r\nHost: localhost:8080\r\n"
        f"Authorization: Bearer {key}\r\n\r\n"
    )
    reads = drive("127.0.0.1", whole.port, head, seconds=READS)
    while time.monotonic() < until:
        time.sleep(0.2)
    return f"{calls.answered:,.0f} webhooks/s, {reads.rate:,.0f} lists/s, {MAILS:,} mails"


def show(moment: str, sizes: dict[str, float], said: str = "") -> float:
    whole = sum(sizes.values())
    parts = "  ".join(f"{name} {size:5.1f}" for name, size in sizes.items())
    load = psutil.getloadavg()[0]
    print(f"  {moment:>10}  {whole:6.1f} MiB  ({parts})  {said}  load {load:.1f}", flush=True)
    return whole


def main(_rounds: int, _seconds: float) -> float:
    with ExitStack() as stack:
        standing = stack.enter_context(stand())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sink = stack.enter_context(SinkProcess(folder / "sink.journal"))
        contacts = standing.contacts(20_000)
        template, _ = prepare(standing, sink.port)
        path, _ = publish(standing)
        with standing.runtime.unit("web", standing.workspace_id) as services:
            services.user_id = standing.user_id
            people = list(services.session.execute(text("select email from business_contacts")).scalars())
            key = services(ApiKeys).create("bench", ["write"])[1]
        standing.analyze()
        whole = Installation(standing, folder)
        stack.callback(whole.stop)
        time.sleep(5)
        print(f"\nSoak: {MINUTES} minutes of load (asked: 400 MiB at the most after it)")
        show("started", whole.sizes())
        totals = []
        for n in range(MINUTES):
            intend(standing, template, contacts[n * MAILS % len(contacts) :][:MAILS])
            said = one_minute(standing, whole, path, people, key, n)
            totals.append(show(f"minute {n + 1}", whole.sizes(), said))
        time.sleep(10)
        after = show("rest", whole.sizes())
        half = totals[len(totals) // 2 :]
        print(f"  from the middle on {half[-1] - half[0]:+.1f} MiB")
        return after
