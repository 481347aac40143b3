"""How many requests one process works on at a time; others wait for a place, first come, first served."""

from __future__ import annotations

import threading
from typing import Any

from pyramid.config import Configurator
from pyramid.events import ApplicationCreated

__all__ = ["PLACES"]

# More would only take the interpreter's lock from each other: with sixteen, a list of the API took half as long
# again (p95). What mostly waits for something else, such as the door of webhooks, stands outside.
PLACES = 8


def seat(created: ApplicationCreated) -> None:
    router: Any = created.app
    inner = router.execution_policy
    router.registry.places = places = threading.BoundedSemaphore(PLACES)

    def policy(environ: dict[str, Any], router: Any) -> Any:
        with places:
            return inner(environ, router)

    router.execution_policy = policy


def includeme(config: Configurator) -> None:
    config.add_subscriber(seat, ApplicationCreated)
