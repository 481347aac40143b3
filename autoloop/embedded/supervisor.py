"""Runs children: one log, restarts with back-off, an orderly end. Single-threaded, in the main thread.

Linux tells a child that its parent died when the *thread* that started it ends, so none is started elsewhere.
"""

from __future__ import annotations

import contextlib
import math
import selectors
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from autoloop.embedded.child import Child
from autoloop.embedded.console import Console

__all__ = ["BootError", "Supervisor"]

_STOP_SECONDS = 9.0
_BOOT_FAILURES = 3


class BootError(RuntimeError):
    """The stack could not start; the message says why."""


class Supervisor:
    """Children in the order they start; they stop in `stop_order`. `changed` is called after every start."""

    def __init__(self, console: Console, changed: Callable[[], None] = lambda: None) -> None:
        self.console = console
        self.changed = changed
        self.children: list[Child] = []
        self.stopping = False
        self.hurry = False
        self._asked_at = math.inf
        self._selector = selectors.DefaultSelector()
        self._previous: dict[signal.Signals, Any] = {}

    # Signals

    def listen(self) -> None:
        """Let SIGINT and SIGTERM ask for an orderly end; a second one hurries it."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._previous[number] = signal.signal(number, self._asked)

    def unlisten(self) -> None:
        """Give the signals back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    def _asked(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        # The same Ctrl-C may come twice at once: from the terminal, and passed on by make or timeout.
        self.hurry = self.hurry or now - self._asked_at > 1.0
        self._asked_at = min(self._asked_at, now)
        self.stopping = True

    # Children

    def start(self, child: Child) -> None:
        """Start `child` and look after it from now on. Raises what its start raises."""
        if child not in self.children:
            self.children.append(child)
        try:
            self._selector.register(child.launch(), selectors.EVENT_READ, child)
        except BaseException:
            self._drain(child)
            self._tell_hidden(child)
            child.close()
            raise
        self.changed()

    def run_once(self, child: Child) -> int | None:
        """Run `child` to its end and return its exit status; None if asked to stop meanwhile."""
        self.start(child)
        while child.alive and not self.stopping:
            self.turn(restart=False)
        if child.alive:
            child.signal(signal.SIGTERM)
            self._await(child, 3.0)
        self._drain(child)
        self._forget(child)
        self.children.remove(child)
        return None if self.stopping or child.process is None else child.process.returncode

    def turn(self, wait: float = 0.2, *, restart: bool = True) -> None:
        """Pass on what the children say for up to `wait` seconds; then restart the dead whose time has come."""
        for key, _ in self._selector.select(wait):
            self._pump(key.data)
        if restart and not self.stopping:
            for child in self.children:
                self._tend(child)

    def run(self, until: Callable[[], bool] = lambda: False, *, booting: bool = False) -> None:
        """Look after the children until asked to stop, or until `until()`.

        While `booting`, a child that keeps dying is an error: raises BootError.
        """
        while not self.stopping and not until():
            self.turn(0.05 if booting else 0.2)
            for child in self.children:
                if booting and child.failures >= _BOOT_FAILURES:
                    raise BootError(f"{child.name} does not stay up; what it said is above.")

    def stop(self, order: list[list[str]]) -> None:
        """Stop all children within 10 s, group after group.

        All of a group are asked, in order, before any is waited for; each has its time, and only then is killed.
        """
        self.stopping = True
        deadline = time.monotonic() + _STOP_SECONDS
        for names in order:
            group = [
                child for name in names for child in self.children if child.name == name and child.process
            ]
            for child in group:
                child.signal(child.stop_signal)
            asked = time.monotonic()
            for child in group:
                spare = min(child.stop_seconds, max(deadline - asked, 0.5)) - (time.monotonic() - asked)
                if not self._await(child, max(spare, 0.1)):
                    self.console.say(f"{child.name} did not stop in time and is killed; nothing is lost.")
                self._end(child)

    # Inside

    def _await(self, child: Child, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while child.alive and time.monotonic() < deadline and not self.hurry:
            self.turn(0.02, restart=False)
        return not child.alive

    def _end(self, child: Child) -> None:
        # Whatever the child started itself goes with it.
        child.signal(signal.SIGKILL, group=True)
        if child.process is not None:
            child.process.wait()
        self._drain(child)
        self._forget(child)

    def _tend(self, child: Child) -> None:
        now = time.monotonic()
        if child.alive:
            return
        if child.process is not None:
            status = child.process.returncode
            self._drain(child)
            self._tell_hidden(child)
            child.signal(signal.SIGKILL, group=True)
            self._forget(child)
            child.process = None
            delay = child.died(now)
            self.console.say(f"{child.name} {_how(status)}; starting it again in {delay:g} s.")
        elif now >= child.restart_at:
            try:
                self.start(child)
            except (RuntimeError, OSError) as error:
                delay = child.died(now)
                self.console.say(f"{child.name} does not start; trying again in {delay:g} s. {error}")

    def _pump(self, child: Child) -> bool:
        lines = child.lines()
        if lines is None:
            self._forget(child)
            return False
        for line in lines:
            child.last_lines.append(line)
            if line.strip() and not child.hides(line):
                self.console.line(child.name, line)
        return bool(lines)

    def _drain(self, child: Child) -> None:
        while child.pipe is not None and self._pump(child):
            pass

    def _tell_hidden(self, child: Child) -> None:
        for line in filter(child.hides, child.last_lines):
            self.console.line(child.name, line)

    def _forget(self, child: Child) -> None:
        if child.pipe is not None:
            with contextlib.suppress(KeyError):
                self._selector.unregister(child.pipe)
            child.close()


def _how(status: int | None) -> str:
    if status is None or status >= 0:
        return f"ended with status {status}"
    return f"was killed by {signal.Signals(-status).name}"
