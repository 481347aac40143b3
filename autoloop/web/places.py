"""How many requests one process works on at a time; others wait for a place, first come, first served."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from pyramid.config import Configurator
from pyramid.events import ApplicationCreated

__all__ = ["PLACES", "PROBES", "Places"]

# What load balancers ask: it waits for nobody, nobody needs to sign in for it, and no limit counts it.
PROBES = frozenset({"/health", "/ready"})

# More would only take the interpreter's lock from each other: with sixteen, a list of the API took half as long
# again (p95). What mostly waits for something else, such as the door of webhooks, stands outside.
PLACES = 8


class Places:
    """A semaphore that hands a place to who waits longest: `threading`'s lets newcomers go first."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            called = threading.Lock()
            called.acquire()
            self._waiting.append(called)
        called.acquire()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


def seat(created: ApplicationCreated) -> None:
    router: Any = created.app
    inner = router.execution_policy
    router.registry.places = places = Places(PLACES)

    def policy(environ: dict[str, Any], router: Any) -> Any:
        if environ["PATH_INFO"] in PROBES:
            return inner(environ, router)
        with places:
            return inner(environ, router)

    router.execution_policy = policy


def includeme(config: Configurator) -> None:
    config.add_subscriber(seat, ApplicationCreated)
