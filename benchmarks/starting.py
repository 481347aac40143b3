"""How long from its start until a web process answers, and until a worker has done its first piece of work."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import psycopg

from benchmarks.api import free_port
from benchmarks.crowd import plant, waiting_workflow
from benchmarks.executions import command
from benchmarks.stand import Stand, stand

BARE = "bare: Pyramid, SQLAlchemy, Celery imported"
IMPORTS = "import pyramid.config, sqlalchemy.orm, psycopg, celery, granian"


def until(true: Callable[[], bool], started: float, process: Popen[bytes]) -> float:
    while not true():
        if process.poll() is not None or time.perf_counter() - started > 60:
            raise RuntimeError("it did not start")
        time.sleep(0.005)
    return time.perf_counter() - started


def web(standing: Stand, ini: Path) -> float:
    """Until `/ready` is answered by the started process, with both its workers' code loaded."""
    port = free_port()
    started = time.perf_counter()
    process = command(["serve", "--port", str(port)], ini, standing.settings)

    def ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
                return bool(json.load(answer)["success"])
        except (urllib.error.URLError, ConnectionError):
            return False

    try:
        return until(ready, started, process)
    finally:
        process.terminate()
        process.wait(15)


def worker(standing: Stand, ini: Path, contacts: list, like: object) -> float:
    """Until a run that was due at the start has gone on; its nudge waits in the broker."""
    plant(standing, like, contacts, 1)  # type: ignore[arg-type]
    standing.runtime.nudge("advance")
    time.sleep(1.1)  # a nudge is sent off at once, but by a thread of its own
    started = time.perf_counter()
    process = command(["worker", "--processes", "2"], ini, standing.settings)
    with psycopg.connect(standing.owner_dsn(), autocommit=True) as owner:

        def done() -> bool:
            row = owner.execute(
                "select not exists (select from workflow_runs where due_at <= now())"
            ).fetchone()
            return bool(row and row[0])

        try:
            return until(done, started, process)
        finally:
            process.terminate()
            process.wait(15)


def bare() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
    return time.perf_counter() - started


def main(rounds: int, _seconds: float) -> float:
    with stand() as standing, tempfile.TemporaryDirectory() as folder:
        ini = Path(folder) / "bench.ini"
        ini.write_text("[app:main]\nuse = egg:autoloop\n")
        contacts = standing.contacts(10)
        _, like = waiting_workflow(standing, contacts[0])
        figures: dict[str, list[float]] = {"web": [], "worker": [], BARE: []}
        for _ in range(max(3, rounds)):
            figures["web"].append(web(standing, ini))
            figures["worker"].append(worker(standing, ini, contacts, like))
            figures[BARE].append(bare())
        print("\nStarting (asked: web 3 s, worker 2 s at the most)")
        for name, times in figures.items():
            print(
                f"  {name:44} {statistics.median(times):5.2f} s  [{min(times):.2f}..{max(times):.2f}] n={len(times)}"
            )
        return statistics.median(figures["worker"])
