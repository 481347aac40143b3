"""The one-command stack: PostgreSQL, Redis, migrations, web, worker, scheduler, in one process tree."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from autoloop.embedded.child import Child
from autoloop.embedded.console import Console
from autoloop.embedded.launch import own_environment, spawn
from autoloop.embedded.lock import StackLock
from autoloop.embedded.places import connections
from autoloop.embedded.ports import see_that_free
from autoloop.embedded.postgres import Postgres
from autoloop.embedded.redis import Redis
from autoloop.embedded.set_up import is_set_up, remember
from autoloop.embedded.supervisor import BootError, Supervisor

__all__ = ["BootError", "Stack"]

_STOP_ORDER = [["web", "scheduler", "worker"], ["redis"], ["postgres"]]
_REDIS_LINE = re.compile(r"\d+:(signal-handler|\S+ \d\d \w{3} \d{4})")
_ROOM_NEEDED = 100 * 2**20


@dataclass
class Stack:
    """What to run, where. `config` is the INI file all parts read; `environment` overrides it."""

    data: Path
    config: Path
    host: str = "127.0.0.1"
    port: int = 8000
    environment: dict[str, str] = field(default_factory=dict)
    console: Console = field(default_factory=Console)
    without: frozenset[str] = frozenset()
    pure_redis: bool = False

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        return f"http://{f'[{self.near_host}]' if ':' in self.near_host else self.near_host}:{self.port}"

    @property
    def near_host(self) -> str:
        """The address at which this machine reaches itself."""
        return "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host  # noqa: S104

    def run(self) -> int:
        """Start all, serve until asked to stop, stop all. Returns the exit status.

        Raises AlreadyRunningError, PortTakenError, PostgresError, RedisError or BootError if it cannot start.
        """
        self.lock = StackLock(self.data)
        self.lock.take()
        with Postgres(self.data / "postgres").held():  # a command that ends leaves it to us
            return self._run()

    def _run(self) -> int:
        began = time.monotonic()
        supervisor = self.supervisor = Supervisor(self.console, self._note)
        self._ready = False
        supervisor.listen()
        try:
            self._clean_up_after_a_killed_one()
            self._see_to_room()
            if "web" not in self.without:
                see_that_free(self.host, self.port)
            claim = self._boot()
            if not supervisor.stopping:
                self._ready = True
                self._note()
                self._welcome(time.monotonic() - began, claim)
                supervisor.run()
        finally:
            self._ready = False
            if any(child.process for child in supervisor.children):
                self.console.say("Stopping …")
                asked = time.monotonic()
                supervisor.stop(_STOP_ORDER)
                self.console.say(
                    f"All stopped in {time.monotonic() - asked:.1f} s; the data stays in {self.data}."
                )
            self.lock.release()
            supervisor.unlisten()
        return 0

    # Boot

    def _boot(self) -> str | None:
        supervisor = self.supervisor
        postgres = Postgres(self.data / "postgres", death_signal=signal.SIGINT)
        if postgres.running:
            postgres.stop()
        first = not postgres.cluster.exists
        if first:
            self.console.say(f"First start: making a database in {self.data} …")
        # A checkpoint that outlasts the stop is made up for by recovery at the next start.
        supervisor.start(Child("postgres", self._starter(postgres), 2.5, _is_routine, signal.SIGINT))
        postgres.prepare()
        redis = Redis(self.data / "redis", pure=self.pure_redis, death_signal=signal.SIGTERM)
        if redis.kind == "fakeredis":
            self.console.say("No redis-server on PATH: using the one in Python. Slower, nothing else.")
        supervisor.start(Child("redis", self._starter(redis), 0.5, _is_routine))
        claim = None if is_set_up(self.data, postgres) else self._set_up()
        # The web first and alone: a person waits for it, nobody for the first second of the others.
        self._start("web", ["serve", str(self.config), "--host", self.host, "--port", str(self.port)], 3.0)
        if "web" not in self.without:
            supervisor.run(until=self._serving, booting=True)
        work = ["worker", "--config", str(self.config)]
        if "worker" in self.without:
            self._start("scheduler", ["scheduler", "--config", str(self.config)], 4.0)
        else:
            self._start("worker", work if "scheduler" in self.without else [*work, "--scheduler"], 6.0)
        return claim

    def _start(self, name: str, words: list[str], seconds: float) -> None:
        if name not in self.without and not self.supervisor.stopping:
            self.supervisor.start(Child(name, self._command(words), seconds))

    def _set_up(self) -> str | None:
        """Migrate, and see to the first owner. Returns the claim link while nobody has used it."""
        result = self.data / "setup.json"
        result.unlink(missing_ok=True)
        status = self.supervisor.run_once(
            Child(
                "setup", self._command(["setup", "--config", str(self.config), "--result", str(result)]), 3.0
            )
        )
        if status is None:
            return None
        if status:
            raise BootError("The database could not be brought to this version; what went wrong is above.")
        told = json.loads(result.read_text())
        result.unlink()
        remember(self.data, told["revision"])
        claim: str | None = told["claim_link"]
        return claim

    def _serving(self) -> bool:
        connection = http.client.HTTPConnection(self.near_host, self.port, timeout=1)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    # Inside

    def _starter(self, server: Postgres | Redis) -> Callable[[int], subprocess.Popen[bytes]]:
        def start(output: int) -> subprocess.Popen[bytes]:
            server.start(output)
            if server.process is None:
                raise BootError(f"Somebody else runs a server in {server.data_dir}.")
            return server.process

        return start

    def _command(self, words: list[str]) -> Callable[[int], subprocess.Popen[bytes]]:
        environment = {**own_environment(), "AUTOLOOP_DATA": str(self.data), **self.environment}
        if environment.pop("PYTHONDONTWRITEBYTECODE", ""):
            # Whoever wants no files beside the code still wants a quick start.
            environment.setdefault("PYTHONPYCACHEPREFIX", str(self.data / "pycache"))

        def start(output: int) -> subprocess.Popen[bytes]:
            argv = [sys.executable, "-m", "autoloop.cli", *words]
            return spawn(argv, death_signal=signal.SIGTERM, output=output, env=environment)

        return start

    def _clean_up_after_a_killed_one(self) -> None:
        note = self.data / "children.json"
        try:
            known = json.loads(note.read_text())
        except (OSError, ValueError):
            known = []
        if ended := self.lock.end_leftovers(known):
            self.console.say(f"Ended what a killed AutoLoop left running: {', '.join(ended)}.")
        note.unlink(missing_ok=True)

    def _note(self) -> None:
        """Write down who runs, for the next start and for other commands."""
        children = [(child.name, *known) for child in self.supervisor.children if (known := child.identity())]
        (self.data / "children.json").write_text(json.dumps(children))
        self.lock.write(pid=os.getpid(), url=self.url, ready=self._ready, config=str(self.config))

    def _see_to_room(self) -> None:
        connections(self.data)
        if (free := shutil.disk_usage(self.data).free) < _ROOM_NEEDED:
            raise BootError(
                f"The disk is full: only {free // 2**20} MB are free in {self.data}. "
                "Free some space, or choose another folder with --data."
            )

    def _welcome(self, seconds: float, claim: str | None) -> None:
        if "web" in self.without:
            self.console.say(f"Running without the web after {seconds:.1f} s: autoloop serve {self.config}")
        else:
            self.console.say(f"AutoLoop is at {self.url}/ after {seconds:.1f} s. Ctrl-C stops it.")
        if claim:
            self.console.say(f"Nobody owns it yet. Become its owner (the link works once):\n  {claim}")


def _is_routine(line: str) -> bool:
    """True for what a server says at every start and stop."""
    return line.startswith("LOG:  ") or _REDIS_LINE.match(line) is not None
