"""`autoloop up` as a person meets it: from nothing to serving, through Ctrl-C, kill -9 and taken ports."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from autoloop.embedded.background import BackgroundStack
from autoloop.embedded.ports import free_port
from autoloop.embedded.postgres import Postgres

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One data folder for all tests here: each finds what the one before left."""
    folder = tmp_path_factory.mktemp("stack")
    yield folder
    Postgres(folder / "postgres").stop()


def get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)["data"]


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def children(stack: BackgroundStack) -> list[psutil.Process]:
    return psutil.Process(stack.process.pid).children(recursive=True)


def living(processes: list[psutil.Process]) -> list[str]:
    """What of these still runs; one that nobody collected yet does not."""
    return [
        f"{each.status()} {' '.join(each.cmdline())}"
        for each in processes
        if each.is_running() and each.status() != psutil.STATUS_ZOMBIE
    ]


def autoloop(*words: str, data: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AUTOLOOP_")}
    return subprocess.run(
        [sys.executable, "-m", "autoloop.cli", *words],
        cwd=ROOT,
        env=environment | {"AUTOLOOP_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def ready(stack: BackgroundStack) -> bool:
    return get(f"{stack.url}/ready")["status"] == "ready"


def test_first_start_serves_and_offers_itself(data: Path) -> None:
    with BackgroundStack(data) as stack:
        until(lambda: ready(stack))
        log = stack.log.read_text()
        assert re.search(rf"{stack.url}/auth/claim\?token=\S{{30,}}", log)
        assert (data / "secrets.json").stat().st_mode & 0o777 == 0o600
        assert json.loads((data / "secrets.json").read_text())["secret_keys"] not in log
        everyone = children(stack)
        asked = time.monotonic()
        assert stack.stop() == 0
        assert time.monotonic() - asked < 10
    psutil.wait_procs(everyone, timeout=5)  # PostgreSQL's helpers end a moment after it
    assert not living(everyone)
    log = stack.log.read_text()
    assert not [name for name in ("web", "worker", "redis") if f"{name} did not stop in time" in log]


def test_an_owner_is_made_while_it_is_down_and_the_next_start_is_quick(data: Path) -> None:
    made = autoloop(
        "user", "create", "ada@acme.test", "--workspace", "Acme", "--admin", "--generate", "--json", data=data
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["workspace"] == "acme"
    began = time.monotonic()
    with BackgroundStack(data) as stack:
        took = time.monotonic() - began
        until(lambda: ready(stack))
        started = stack.log.read_text().rpartition("AutoLoop is at")[2]
        assert "claim" not in started
    # 5 s on a machine of its own; tests share theirs.
    assert took < 5 * max(1.0, os.getloadavg()[0])


def test_a_child_that_dies_is_replaced(data: Path) -> None:
    with BackgroundStack(data, options=("--python-redis",)) as stack:
        until(lambda: ready(stack))
        for name in ("fake_redis", "cli worker", "postgres -D"):
            victim = next(each for each in children(stack) if name in " ".join(each.cmdline()))
            victim.kill()
            until(lambda gone=victim: not gone.is_running())
        until(lambda: answers(stack))
        log = stack.log.read_text()
        for name in ("redis", "worker", "postgres"):
            assert f"{name} was killed by SIGKILL; starting it again" in log


def test_the_scheduler_beside_the_workers_is_replaced_and_ends_with_them(data: Path) -> None:
    with BackgroundStack(data) as stack:
        until(lambda: ready(stack))  # that a scheduler ticks is part of it
        worker = next(each for each in children(stack) if "cli worker" in " ".join(each.cmdline()))
        until(lambda: schedulers(worker))
        (first,) = schedulers(worker)
        first.kill()
        until(lambda: schedulers(worker) not in ([], [first]))
        forked = worker.children()
        worker.kill()
        until(lambda: not living(forked))


def schedulers(worker: psutil.Process) -> list[psutil.Process]:
    return [each for each in worker.children() if each.name() == "scheduler"]


def answers(stack: BackgroundStack) -> bool:
    try:
        return ready(stack) and len(json.loads((stack.data / "children.json").read_text())) == 4
    except OSError:
        return False


def test_a_killed_one_leaves_nothing_in_the_way(data: Path) -> None:
    stack = BackgroundStack(data).start()
    everyone = children(stack)
    stack.process.kill()
    stack.process.wait()
    with BackgroundStack(data, port=stack.port) as again:
        until(lambda: ready(again))
        assert not living(everyone)


def test_a_second_one_is_told_of_the_first_and_doctor_finds_all_well(data: Path) -> None:
    with BackgroundStack(data) as stack:
        second = autoloop("up", "--data", str(data), data=data)
        assert second.returncode == 1
        assert f"runs already at {stack.url}" in second.stderr
        until(lambda: ready(stack))
        said = autoloop("doctor", "--json", data=data)
        findings = json.loads(said.stdout)
        assert said.returncode == 0, findings
        assert {finding["state"] for finding in findings} == {"ok"}
        assert autoloop("migrate", "--check", data=data).returncode == 0


def test_a_taken_port_is_named_before_anything_starts(data: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        said = autoloop("up", "--data", str(data), "--port", str(port), data=data)
    assert said.returncode == 1
    assert f"Port {port} is taken by process {os.getpid()}" in said.stderr
    assert not Postgres(data / "postgres").running


def test_ctrl_c_in_the_middle_of_a_start_stops_what_was_started(tmp_path: Path) -> None:
    stack = BackgroundStack(tmp_path / "data")
    stack.data.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "autoloop.cli", "up", "--data", str(stack.data), "--port", str(free_port())],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until(lambda: Postgres(stack.data / "postgres").running)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=15)
    assert "All stopped" in said
    assert process.returncode == 0
    assert not Postgres(stack.data / "postgres").running
