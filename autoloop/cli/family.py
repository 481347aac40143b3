"""A family of processes: forked from one parent that has loaded everything, so that all share its memory."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from autoloop.embedded.launch import die_with_parent

__all__ = ["Family"]

_REST = 1.0  # seconds between two starts of a member
_LOOK = 0.05  # seconds between two looks at who has ended
_PATIENCE = 10.0  # seconds that members have to end


class Family:
    """Members by name: each is called in a process of its own, which is started again whenever it ends.

    The parent has one thread and does nothing but this, so that whoever is forked later is like the first. What
    the members share must not be connected to anything yet.
    """

    def __init__(self, members: Mapping[str, Callable[[], int]]) -> None:
        self.members = members
        self.pids: dict[int, str] = {}
        self.started: dict[str, float] = {}
        self.stopping = False

    def run(self) -> None:
        """Until SIGTERM, SIGINT or SIGHUP; then ask all to end, and give them ten seconds."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._asked)
        while not self.stopping:
            self._reap()
            for name in self.members:
                if name not in self.pids.values() and self._rested(name):
                    self._start(name)
            time.sleep(_LOOK)
        self._end()

    def _asked(self, *_: Any) -> None:
        self.stopping = True

    def _rested(self, name: str) -> bool:
        return name not in self.started or time.monotonic() >= self.started[name] + _REST

    def _start(self, name: str) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            self.pids[pid], self.started[name] = name, time.monotonic()
            return
        status = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            die_with_parent(parent)
            with suppress(OSError), open("/proc/self/comm", "w") as comm:  # noqa: PTH123 - what `ps` and `top` show
                comm.write(name)
            status = self.members[name]()
        finally:
            os._exit(status)

    def _reap(self) -> None:
        for pid in [pid for pid in self.pids if os.waitpid(pid, os.WNOHANG)[0]]:
            del self.pids[pid]

    def _end(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + _PATIENCE
        while self.pids and time.monotonic() < until:
            self._reap()
            time.sleep(0.02)
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
