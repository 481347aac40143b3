"""The gate: deliveries that come in together are written together, each answered once it is durable."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from autoloop.engine.hooks.accepting import Delivery, accept
from autoloop.engine.hooks.express import Express

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["Gate"]

MOST = 100
PATIENCE = 30.0
TRIES = 4
GATHER = 0.0005


class _Ticket:
    __slots__ = ("called", "delivery", "leads", "outcome")

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.called = threading.Lock()  # held until it is called: far cheaper than an Event
        self.called.acquire()
        self.leads = False
        self.outcome: Any = None


class Gate:
    """One transaction at a time in this process; who arrives meanwhile goes into the next one.

    The first to arrive writes for all that wait, then hands the lead to one of those after them. Under
    load a commit serves many, alone it serves one at once. After a commit that served several the next lead
    waits a moment for those who were just answered.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._express = Express(runtime)
        self._lock = threading.Lock()
        self._waiting: list[_Ticket] = []
        self._busy = False
        self._crowded = False

    def accept(self, delivery: Delivery) -> Any:
        """Accepted, STALE or an error as of `accepting.accept`; raises what the database says."""
        ticket = _Ticket(delivery)
        with self._lock:
            self._waiting.append(ticket)
            ticket.leads, self._busy = not self._busy, True
        if not ticket.leads and not ticket.called.acquire(timeout=PATIENCE):
            self._leave(ticket)
        if ticket.leads:
            if self._crowded:
                time.sleep(GATHER)
            self._lead()
        if isinstance(ticket.outcome, DBAPIError):
            raise ticket.outcome
        return ticket.outcome

    def _leave(self, ticket: _Ticket) -> None:
        """Give up waiting, unless the lead came in this very moment."""
        with self._lock:
            if not ticket.leads:
                if ticket in self._waiting:
                    self._waiting.remove(ticket)
                raise TimeoutError("the database did not take a delivery in time")

    def _lead(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            self._crowded = len(batch) > 1
        try:
            self._write(batch)
        finally:
            with self._lock:
                heir = self._waiting[0] if self._waiting else None
                if heir is None:
                    self._busy = False
                else:
                    heir.leads = True
            for ticket in batch:
                ticket.called.release()
            if heir is not None:
                heir.called.release()
        # Nobody waits for the broker; a nudge too many does no harm.
        self._runtime.nudge("route")

    def _write(self, batch: Sequence[_Ticket]) -> None:
        by_tenant: dict[Any, list[_Ticket]] = {}
        for ticket in batch:
            by_tenant.setdefault(ticket.delivery.hook.workspace_id, []).append(ticket)
        for tickets in by_tenant.values():
            done = self._express.take([ticket.delivery for ticket in tickets])
            for index, outcome in done.items():
                tickets[index].outcome = outcome
            rest = [ticket for ticket in tickets if ticket.outcome is None]
            if rest and not self._together(rest):
                for ticket in rest:
                    self._alone(ticket)

    def _together(self, tickets: Sequence[_Ticket]) -> bool:
        try:
            outcomes = self._transact([ticket.delivery for ticket in tickets])
        except Exception:
            return False
        for ticket, outcome in zip(tickets, outcomes, strict=True):
            ticket.outcome = outcome
        return True

    def _alone(self, ticket: _Ticket) -> None:
        for left in reversed(range(TRIES)):
            try:
                (ticket.outcome,) = self._transact([ticket.delivery])
            except DBAPIError as error:
                again = (getattr(error.orig, "sqlstate", None) or "").startswith("40")
                ticket.outcome = error
                if not again or not left:
                    return
            except Exception as error:
                ticket.outcome = error
                return
            else:
                return

    def _transact(self, deliveries: Sequence[Delivery]) -> list[Any]:
        with self._runtime.unit("web", deliveries[0].hook.workspace_id) as services:
            return accept(services, deliveries)
