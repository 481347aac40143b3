"""Processes that load what they need once, share it with their children, and keep little beside it."""

from __future__ import annotations

import ctypes
import gc
import linecache
import sys
import time
from typing import Any

__all__ = ["begin", "give_back", "settle"]

_M_ARENA_MAX = -8  # from glibc's malloc.h
_ARENAS = 2
_SELDOM = 5.0  # seconds between two times of giving back, which takes some milliseconds

_given_back = 0.0


def begin() -> None:
    """For a process that stays: at its very start, before anything is loaded and before there are threads.

    Each thread would have a glibc arena of its own, which never shrinks: 12 MiB in a web process of 8 threads.
    Nothing that is loaded is garbage: looking for it takes a fifth of the time to start. `settle` starts it again.
    httpx brings its command line, and with it rich and pygments: 5 MiB that nothing here calls.
    """
    mallopt = _glibc("mallopt")
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
    gc.disable()
    modules: dict[str, Any] = sys.modules
    modules.setdefault("httpx._main", None)  # an ImportError to httpx, which does without


def settle() -> None:
    """What is loaded by now is here to stay: finish it, share it, and never look at it for garbage again.

    To be called once, before children are forked (each would finish it for itself, on pages of its own).
    """
    from celery.app import amqp, events, task  # noqa: F401 - loaded with the first nudge otherwise
    from kombu.transport import redis  # noqa: F401
    from sqlalchemy.orm import configure_mappers

    configure_mappers()
    linecache.clearcache()  # Pyramid has read the source of all that it was told
    gc.collect()
    gc.freeze()
    gc.enable()
    _trim()


def give_back() -> None:
    """After much work: let the system have what was freed, 8 MiB in a worker, at most every 5 seconds."""
    global _given_back
    now = time.monotonic()
    if now - _given_back >= _SELDOM:
        _given_back = now
        _trim()


def _trim() -> None:
    """glibc keeps freed pages that lie below one in use until it is asked."""
    trim = _glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _glibc(name: str) -> Any:
    """A function of the C library, or None where it has none of this name."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
