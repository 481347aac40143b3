"""A family of processes: whoever ends is started again, all end together, and none outlives the parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest

SCRIPT = """
import time
from autoloop.cli.family import Family

def stay():
    time.sleep(600)
    return 0

Family({"one": stay, "two": stay}).run()
"""


@pytest.fixture
def parent():
    process = subprocess.Popen([sys.executable, "-c", SCRIPT])
    yield psutil.Process(process.pid)
    process.kill()
    process.wait()


def test_a_member_that_ends_is_started_again_and_all_end_together(parent: psutil.Process) -> None:
    first = _members(parent, 2)
    os.kill(first[0].pid, signal.SIGKILL)
    _until(lambda: not first[0].is_running())
    second = _members(parent, 2)
    assert first[1] in second
    parent.terminate()
    assert psutil.wait_procs(second, 20)[1] == []


def test_no_member_outlives_the_parent(parent: psutil.Process) -> None:
    members = _members(parent, 2)
    parent.kill()
    assert psutil.wait_procs(members, 20)[1] == []


def _members(parent: psutil.Process, number: int) -> list[psutil.Process]:
    def alive() -> list[psutil.Process]:
        return [child for child in parent.children() if child.status() != psutil.STATUS_ZOMBIE]

    _until(lambda: len(alive()) == number)
    return alive()


def _until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)
