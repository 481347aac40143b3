"""One stack per data folder, and nothing left of one that was killed."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from pathlib import Path
from typing import IO, Any

import psutil

__all__ = ["AlreadyRunningError", "StackLock"]


class AlreadyRunningError(RuntimeError):
    """A stack runs in this folder already."""


class StackLock:
    """The kernel's lock on `stack.lock`, which goes with its holder however that dies; and notes beside it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._handle: IO[str] | None = None

    def take(self) -> None:
        """Take the lock. Raises AlreadyRunningError if a living stack has it."""
        self.data.mkdir(parents=True, exist_ok=True)
        handle = (self.data / "stack.lock").open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            known = self.state()
            where = f" at {known['url']}" if known.get("url") else ""
            raise AlreadyRunningError(
                f"AutoLoop runs already{where} (process {known.get('pid', '?')}, data in {self.data}). "
                "Stop that one first, or give this one a folder of its own with --data."
            ) from None
        self._handle = handle
        self.write(pid=os.getpid())

    def release(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            self.write()
            self._handle.close()
            self._handle = None

    def state(self) -> dict[str, Any]:
        """What the stack of this folder wrote about itself: pid, url, ready, children."""
        try:
            known: dict[str, Any] = json.loads((self.data / "stack.json").read_text())
        except (OSError, ValueError):
            return {}
        return known

    def write(self, **state: Any) -> None:
        """Replace the state."""
        draft = self.data / f"stack.json.{os.getpid()}"
        draft.write_text(json.dumps(state))
        draft.rename(self.data / "stack.json")

    @staticmethod
    def end_leftovers(children: list[list[Any]]) -> list[str]:
        """Stop the children of a stack that was killed, if they still live. Returns their names."""
        ended = []
        alive = []
        for name, pid, born in children:
            try:
                process = psutil.Process(pid)
                if abs(process.create_time() - born) < 0.5 and process.status() != psutil.STATUS_ZOMBIE:
                    process.send_signal(signal.SIGTERM)
                    alive.append(process)
                    ended.append(str(name))
            except psutil.Error:
                continue
        _, stubborn = psutil.wait_procs(alive, timeout=4)
        for process in stubborn:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        psutil.wait_procs(stubborn, timeout=2)
        return ended
