"""A deadline for pure Python code: interrupts a step that does not come back.

Signals reach only main threads; an asynchronous exception reaches any thread that runs Python.
"""

from __future__ import annotations

import ctypes
import threading
from types import TracebackType
from typing import Self

__all__ = ["Deadline", "TimeIsUp"]


class TimeIsUp(BaseException):
    """Raised inside the code that took too long. Not an Exception: a step must not swallow it."""


class Deadline:
    """`with Deadline(5):` raises TimeIsUp in this thread once five seconds have passed."""

    def __init__(self, seconds: float) -> None:
        self.thread = threading.get_ident()
        self.lock = threading.Lock()
        self.open = True
        self.timer = threading.Timer(seconds, self._strike)
        self.timer.daemon = True

    def _strike(self) -> None:
        with self.lock:
            if self.open:
                _raise_in(self.thread, TimeIsUp)

    def __enter__(self) -> Self:
        self.timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.timer.cancel()
        with self.lock:
            self.open = False
            _raise_in(self.thread, None)  # one that was sent but did not arrive is called back


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    target = ctypes.py_object(error) if error is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), target)
