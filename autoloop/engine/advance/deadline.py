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
    """`with Deadline(5):` raises TimeIsUp in this thread once it has used five seconds.

    Seconds of the thread's own CPU, so that a busy machine is not a hanging step; a thread that
    sleeps is given double that, by the clock on the wall.
    """

    __slots__ = ("_clock", "_cpu", "_wall", "seconds", "struck", "thread")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.struck = False

    def __enter__(self) -> Self:
        self.thread = threading.get_ident()
        self._wall = time.monotonic() + 2 * self.seconds
        self._clock = (
            time.pthread_getcpuclockid(self.thread) if hasattr(time, "pthread_getcpuclockid") else None
        )
        self._cpu = time.clock_gettime(self._clock) + self.seconds if self._clock is not None else 0.0
        _watch(self)
        return self

    def passed(self) -> bool:
        """Asked by the watching thread while this one is inside."""
        if self._clock is not None and time.clock_gettime(self._clock) > self._cpu:
            return True
        return time.monotonic() > self._wall

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
            for deadline in [each for each in _open if each.passed()]:
                _open.discard(deadline)
                deadline.struck = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(deadline.thread), ctypes.py_object(TimeIsUp)
                )
            idle = 0 if _open else idle + 1
            if idle > IDLE_LOOKS:
                _watcher = None
                return
