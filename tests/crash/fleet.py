"""Real worker and scheduler processes that may be killed at any moment, and are started again."""

from __future__ import annotations

import os
import random
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from subprocess import Popen
from typing import Any, Self

import psutil

from autoloop.embedded.launch import own_environment, spawn
from autoloop.settings import Settings

__all__ = ["Fleet"]

WHOLE = 0.1
"""Share of the kills that hit a worker with all of its processes: it takes seconds to start again."""

INI = "[app:main]\nuse = egg:autoloop\n"


@dataclass
class Fleet:
    """`autoloop worker` (a family of processes) `workers` times and `autoloop scheduler` `schedulers` times, in `folder`.

    `web`: the port of an `autoloop serve`, if there is to be one.
    """

    settings: Settings
    folder: Path
    workers: int = 2
    processes: int = 2
    schedulers: int = 1
    web: int | None = None
    parents: dict[str, Popen[bytes]] = field(default_factory=dict)
    killed: dict[str, int] = field(default_factory=lambda: {"child": 0, "group": 0})

    def __enter__(self) -> Self:
        (self.folder / "crash.ini").write_text(INI)
        self.tend()
        return self

    def __exit__(self, *_: object) -> None:
        for parent in self.parents.values():
            with suppress(ProcessLookupError):
                os.killpg(parent.pid, signal.SIGKILL)
            parent.wait()

    @property
    def members(self) -> set[int]:
        """Ids of the workers' processes: a family starts again what ended, with another."""
        return {
            child.pid for name in self.parents if name.startswith("worker") for child in self._members(name)
        }

    @property
    def ticking(self) -> int:
        """How many schedulers talk to the database."""
        schedulers = [parent.pid for name, parent in self.parents.items() if name.startswith("scheduler")]
        return sum(bool(psutil.Process(pid).net_connections("all")) for pid in schedulers)

    def tend(self) -> None:
        """Start what is not running."""
        wanted = [f"scheduler{number}" for number in range(self.schedulers)]
        if self.web is not None:
            wanted.append("web")
        for name in [*wanted, *(f"worker{number}" for number in range(self.workers))]:
            parent = self.parents.get(name)
            if parent is None or parent.poll() is not None:
                self.parents[name] = self._start(name)

    def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> int:
        """End one of them and give its exit code; `tend` starts another."""
        self.parents[name].send_signal(how)
        return self.parents.pop(name).wait(60)

    def kill(self, chance: random.Random, whom: str = "worker") -> str:
        """SIGKILL one process of a worker's (or of the web's), or all of them; says which.

        Workers that have none yet are spared: killing what has not begun proves nothing.
        """
        ready = {
            name: alive for name in self.parents if name.startswith(whom) and (alive := self._members(name))
        }
        if not ready:
            return ""
        name = chance.choice(sorted(ready))
        if chance.random() < WHOLE:
            os.killpg(self.parents[name].pid, signal.SIGKILL)
            self.parents[name].wait()
            self.killed["group"] += 1
            return f"{name} with all its processes"
        victim = chance.choice(ready[name])
        with suppress(psutil.NoSuchProcess):
            victim.kill()
        self.killed["child"] += 1
        return f"process {victim.pid} of {name}"

    def _members(self, name: str) -> list[psutil.Process]:
        """The processes of a worker that are alive."""
        try:
            children = psutil.Process(self.parents[name].pid).children()
        except psutil.NoSuchProcess:
            return []
        alive = [child for child in children if _lives(child)]
        return sorted(alive, key=lambda child: child.pid)

    def _start(self, name: str) -> Popen[bytes]:
        words = ["scheduler", "--config", str(self.folder / "crash.ini")]
        if name.startswith("worker"):
            words = ["worker", "--processes", str(self.processes), "--name", name, *words[1:]]
        elif name == "web":
            words = ["serve", str(self.folder / "crash.ini"), "--port", str(self.web), "--workers", "2"]
        with (self.folder / f"{name}.log").open("ab") as log:
            argv = [sys.executable, "-m", "autoloop.cli", *words]
            return spawn(argv, death_signal=signal.SIGKILL, output=log, env=self._environment())

    def _environment(self) -> dict[str, str]:
        """Ours, with the test's settings; byte code is kept, for a worker starts dozens of times."""
        given = {name: value for name, value in own_environment().items() if not name.startswith("AUTOLOOP_")}
        given.pop("PYTHONDONTWRITEBYTECODE", None)
        given["PYTHONPYCACHEPREFIX"] = str(Path(__file__).parents[2] / "var/tests/pycache")
        return given | {
            f"AUTOLOOP_{each.name.upper()}": _written(getattr(self.settings, each.name))
            for each in fields(Settings)
        }


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
