"""A deadline for pure Python code: interrupts a step that does not come back.

Signals reach only main threads; an asynchronous exception reaches any thread that runs Python. One
thread per process looks after all deadlines, a few times a second.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from types import TracebackType
from typing import Self

__all__ = ["Deadline", "TimeIsUp"]

LOOK_EVERY = 0.25
IDLE_LOOKS = 40


class TimeIsUp(BaseException):
    """Raised inside the code that took too long. Not an Exception: a step must not swallow it."""


class Deadline:
    """`with Deadline(5):` raises TimeIsUp in this thread about five seconds later."""

    __slots__ = ("at", "seconds", "struck", "thread")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.struck = False

    def __enter__(self) -> Self:
        self.thread = threading.get_ident()
        self.at = time.monotonic() + self.seconds
        _watch(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _lock:
            _open.discard(self)
        if self.struck and not (kind is not None and issubclass(kind, TimeIsUp)):
            # Sent but not yet here: take it now. Calling it back (with NULL) would leave CPython 3.11's
            # eval loop checking for it at every turn, for good.
            time.sleep(1)


_lock = threading.Lock()
_open: set[Deadline] = set()
_watcher: tuple[int, threading.Thread] | None = None


def _watch(deadline: Deadline) -> None:
    global _watcher
    with _lock:
        _open.add(deadline)
        if _watcher is None or _watcher[0] != os.getpid() or not _watcher[1].is_alive():
            thread = threading.Thread(target=_look, name="deadlines", daemon=True)
            _watcher = (os.getpid(), thread)
            thread.start()


def _look() -> None:
    global _watcher
    idle = 0
    while True:
        time.sleep(LOOK_EVERY)
        with _lock:
            now = time.monotonic()
            for deadline in [each for each in _open if each.at < now]:
                _open.discard(deadline)
                deadline.struck = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(deadline.thread), ctypes.py_object(TimeIsUp)
                )
            idle = 0 if _open else idle + 1
            if idle > IDLE_LOOKS:
                _watcher = None
                return
