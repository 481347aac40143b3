"""The supervisor over small programs: log, deaths, back-off, the orderly end."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from autoloop.embedded.child import Child, backoff
from autoloop.embedded.console import Console
from autoloop.embedded.launch import spawn
from autoloop.embedded.supervisor import BootError, Supervisor

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True)\nwhile True: time.sleep(60)"
WILLING = "import time; print('ready', flush=True); time.sleep(60)"


def program(
    name: str, code: str, *, seconds: float = 2.0, hides: Callable[[str], bool] = lambda _: False
) -> Child:
    def start(output: int) -> subprocess.Popen[bytes]:
        return spawn([sys.executable, "-c", code], output=output)

    return Child(name, start, seconds, hides)


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(log: io.StringIO) -> Iterator[Supervisor]:
    supervisor = Supervisor(Console(log))
    yield supervisor
    supervisor.stop([[child.name for child in supervisor.children]])


def until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    supervisor.run(until=lambda: condition() or time.monotonic() > deadline)
    assert condition()


def test_passes_on_every_line_with_its_name(supervisor: Supervisor, log: io.StringIO) -> None:
    supervisor.start(program("web", f"print('x' * 100000); {WILLING}"))
    supervisor.start(
        program(
            "redis",
            "print('chatter'); print('news', flush=True); import time; time.sleep(60)",
            hides=lambda line: line == "chatter",
        )
    )
    until(supervisor, lambda: "ready" in log.getvalue() and "news" in log.getvalue())
    assert "web       | " + "x" * 100000 in log.getvalue()
    assert "web       | ready" in log.getvalue()
    assert "chatter" not in log.getvalue()


def test_starts_the_dead_again_and_says_what_they_hid(supervisor: Supervisor, log: io.StringIO) -> None:
    child = program("worker", "print('why', flush=True); import os; os._exit(3)", hides=lambda _: True)
    supervisor.start(child)
    until(supervisor, lambda: child.failures >= 2)
    said = log.getvalue()
    assert "worker ended with status 3; starting it again in 0.5 s." in said
    assert "worker    | why" in said
    assert "again in 1 s." in said


def test_one_killed_from_outside_is_replaced(supervisor: Supervisor, log: io.StringIO) -> None:
    child = program("web", WILLING)
    supervisor.start(child)
    until(supervisor, lambda: "ready" in log.getvalue())
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    until(supervisor, lambda: child.alive and child.process.pid != first)
    assert "web was killed by SIGKILL" in log.getvalue()


def test_a_boot_that_fails_again_and_again_gives_up(supervisor: Supervisor) -> None:
    supervisor.start(program("web", "import os; os._exit(1)"))
    with pytest.raises(BootError, match="web does not stay up"):
        supervisor.run(booting=True)


def test_stops_in_order_and_kills_only_the_stubborn(supervisor: Supervisor, log: io.StringIO) -> None:
    children = [
        program("postgres", WILLING),
        program("worker", STUBBORN, seconds=1.5),
        program("web", WILLING),
    ]
    for child in children:
        supervisor.start(child)
    until(supervisor, lambda: log.getvalue().count("ready") == 3)
    seen: list[list[str]] = []
    turn = supervisor.turn

    def watch(wait: float = 0.2, *, restart: bool = True) -> None:
        turn(wait, restart=restart)
        seen.append([child.name for child in children if child.alive])

    supervisor.turn = watch
    supervisor.stop([["web", "worker"], ["postgres"]])
    assert not any(child.alive for child in children)
    assert "worker did not stop in time" in log.getvalue()
    # The database stays until the last of those who use it has gone.
    assert ["postgres", "worker"] in seen
    assert all("postgres" in alive or alive == [] for alive in seen)
    assert "starting it again" not in log.getvalue()


def test_a_signal_ends_the_loop(supervisor: Supervisor) -> None:
    supervisor.listen()
    try:
        child = program("web", WILLING)
        supervisor.start(child)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
        supervisor.run()
        supervisor.stop([["web"]])
        assert not child.alive
    finally:
        supervisor.unlisten()


def test_run_once_gives_the_status(supervisor: Supervisor, log: io.StringIO) -> None:
    assert supervisor.run_once(program("setup", "print('done'); raise SystemExit(4)")) == 4
    assert "setup     | done" in log.getvalue()


def test_children_end_with_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from autoloop.embedded.launch import spawn;"
        "p = spawn([sys.executable, '-c', 'import time; time.sleep(60)'], output=1);"
        "print(p.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).parents[3]
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    parent.wait()
    parent.stdout.close()
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(5)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_the_disk_that_is_full_is_named(log: io.StringIO) -> None:
    console = Console(log)
    for _ in range(3):
        console.line("postgres", "PANIC:  could not write to file: No space left on device")
    assert log.getvalue().count("The disk is full.") == 1


def test_backoff_grows_to_half_a_minute() -> None:
    assert [backoff(n) for n in (0, 1, 2, 3, 7, 50)] == [0, 0.5, 1, 2, 30, 30]
