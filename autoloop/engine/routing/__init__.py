"""Routing: each event is matched, once, with the waits it ends and the runs it starts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from psycopg import Cursor
from sqlalchemy.exc import OperationalError

from autoloop.base.garbage import uncollected
from autoloop.base.services import Services
from autoloop.engine.advance.first import FirstTurns
from autoloop.engine.routing.claiming import PROBE, Inbox, claim, put_away
from autoloop.engine.routing.colleagues import colleagues
from autoloop.engine.routing.starts import start, starts
from autoloop.engine.routing.waits import exits, hold, wake

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["PROBE", "work"]

log = logging.getLogger(__name__)

PASSING = (
    OperationalError,
    psycopg.OperationalError,
)  # a lost line, a deadlock: nothing is wrong with the event


# In a stream of events a short pause makes one trip of six: tried, with 60 in a trip each costs two thirds of
# what it costs with 30. A few events only are no stream: then the worker turns to other work at once.
STREAM = range(4, 100)
PAUSE = 0.06

# After an error in first turns, or at the commit behind them, Advance takes them for so many seconds.
CAREFUL = 10.0

_local = threading.local()


@uncollected()
def work(runtime: Runtime) -> int:
    """Route one batch of events. Returns how many; 0 says that none is pending."""
    held: list[Inbox] = []
    _pause()
    try:
        count = _with_first_turns(runtime, held)
    except PASSING:
        raise
    except Exception as error:
        if not held:
            raise
        log.warning("a batch of %d events is tried again one by one: %s", len(held), error)
        _one_by_one(runtime, held)
        return len(held)
    _local.until = time.monotonic() + PAUSE if count in STREAM else 0.0
    return count


def _with_first_turns(runtime: Runtime, held: list[Inbox]) -> int:
    """A batch whose runs take their first turns; if anything is wrong, for a while without: Advance knows
    how to find out with which run."""
    if time.monotonic() < getattr(_local, "careful", 0.0):
        return _batch(runtime, None, held)
    tried: list[FirstTurns] = []
    try:
        return _batch(runtime, None, held, tried)
    except Exception as error:
        if not tried:
            raise
        tried[0].undone()
        log.warning("a batch of %d events is tried again without first turns: %s", len(held), error)
        _local.careful = time.monotonic() + CAREFUL
        held.clear()
        return _batch(runtime, None, held)


def _pause() -> None:
    """Let a stream gather since the last batch, if that was lately."""
    left = getattr(_local, "until", 0.0) - time.monotonic()
    if left > 0:
        time.sleep(left)


def _one_by_one(runtime: Runtime, events: Sequence[Inbox]) -> None:
    for event in events:
        try:
            _batch(runtime, event, [])
        except PASSING:
            raise
        except Exception:
            log.exception("event %s (%s) cannot be routed; it stays in the history", event.id, event.name)
            with runtime.unit("worker") as services:
                put_away(_cursor(services), event)


def _batch(
    runtime: Runtime, only: Inbox | None, held: list[Inbox], tried: list[FirstTurns] | None = None
) -> int:
    """Claim and route events, or only this one. With `tried`, runs take their first turns here."""
    with runtime.unit("worker") as services:
        cursor = _cursor(services)
        events = claim(cursor) if only is None else put_away(cursor, only)
        held += events
        if not events:
            return 0
        starting = starts(services, cursor, events)
        others = colleagues(cursor, events)
        runs = hold(cursor, events, others)
        left = exits(cursor, events, runs, others) if runs else []
        _leave(services, left)
        _tell(services, events)
        woken = len(left)
        if runs:
            woken += wake(cursor, events)
        first = None
        if tried is not None and any(starting.values()):
            first = _first(runtime, services, cursor, tried)
        due = woken + start(services, starting, first)
        nudges = []
        if first is not None:
            nudges, due = first.write(), due - first.resting
    for kind in dict.fromkeys([*nudges, "advance"] if due else nudges):
        runtime.nudge(kind)
    return len(events)


def _first(
    runtime: Runtime, services: Services, cursor: Cursor[Any], tried: list[FirstTurns]
) -> FirstTurns | None:
    made = FirstTurns(runtime, services, cursor)
    tried.append(made)
    return made if made.begin() else None


def _cursor(services: Services) -> Cursor[Any]:
    connection: Any = services.session.connection().connection.driver_connection
    made: Cursor[Any] = connection.cursor(binary=True)
    return made


def _leave(services: Services, runs: Sequence[tuple[UUID, UUID]]) -> None:
    """Withdraw what leaving runs have queued, before anybody can send it."""
    handler = services.registrations.effect_handlers.get("leave_runs")
    if runs and handler is not None:
        handler(services, runs)


def _tell(services: Services, events: Sequence[Inbox]) -> None:
    """Let other domains write down what the events say, such as bounces; runs are locked, emails not yet."""
    handler = services.registrations.effect_handlers.get("on_events")
    if handler is not None:
        handler(services, [event._asdict() for event in events])
