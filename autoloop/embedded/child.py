"""One supervised process: its pipe, its deaths, its back-off."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

__all__ = ["Child", "backoff"]

_STEADY_SECONDS = 60.0


def backoff(failures: int) -> float:
    """Seconds to wait before start number `failures` + 1: 0.5, 1, 2 … 30."""
    return float(min(0.5 * 2 ** (failures - 1), 30.0)) if failures else 0.0


@dataclass
class Child:
    """A process that should run. `start(output)` starts it with its log going to a file descriptor.

    What `hides` (a line) says is heard only when the child dies: some talk on every start.
    """

    name: str
    start: Callable[[int], subprocess.Popen[bytes]]
    stop_seconds: float
    hides: Callable[[str], bool] = lambda _line: False
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    pipe: int | None = None
    failures: int = 0
    restart_at: float = 0.0
    started_at: float = 0.0
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=20))
    _partial: bytes = b""

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self.process is not None and self.process.poll() is None

    def launch(self) -> int:
        """Start the process; returns the descriptor its log comes from. Raises what `start` raises."""
        read, write = os.pipe()
        os.set_blocking(read, False)
        self.pipe, self._partial = read, b""
        self.last_lines.clear()
        try:
            self.process = self.start(write)
        finally:
            os.close(write)
        self.started_at = time.monotonic()
        return read

    def lines(self) -> list[str] | None:
        """Whole lines written since the last call; None when the process closed its log."""
        if self.pipe is None:
            return None
        try:
            chunk = os.read(self.pipe, 65536)
        except BlockingIOError:
            return []
        if not chunk:
            rest, self._partial = self._partial, b""
            return [rest.decode(errors="replace")] if rest else None
        *whole, self._partial = (self._partial + chunk).split(b"\n")
        if len(self._partial) > 65536:
            whole, self._partial = [*whole, self._partial], b""
        return [line.decode(errors="replace").rstrip("\r") for line in whole]

    def close(self) -> None:
        """Forget the pipe."""
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None

    def died(self, now: float) -> float:
        """Note a death and return the seconds until the next start."""
        self.failures = 1 if now - self.started_at > _STEADY_SECONDS else self.failures + 1
        delay = backoff(self.failures)
        self.restart_at = now + delay
        return delay

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to the process, or to all it started; nothing if it is gone."""
        if self.process is None:
            return
        try:
            if group:
                os.killpg(self.process.pid, number)
            elif self.alive:
                self.process.send_signal(number)
        except (ProcessLookupError, PermissionError):
            pass

    def identity(self) -> tuple[int, float] | None:
        """Process id and birth, which together are never reused."""
        try:
            return (
                (self.process.pid, psutil.Process(self.process.pid).create_time()) if self.process else None
            )
        except psutil.Error:
            return None
