"""Where a worker is hit: at the commits of its work, each of which has a number.

Nothing of this is in the product: a worker of these tests is patched before it begins.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.pq import PipelineStatus

from autoloop.base import runtime as base
from autoloop.base.clock import Clock
from autoloop.base.runtime import Runtime
from autoloop.engine.advance import Advancer
from autoloop.mail.delivery import deliver

__all__ = ["HOWS", "Fault", "Faults"]

OFF = {"ahead": timedelta(hours=1), "behind": timedelta(hours=-1)}
STANDSTILL = "idle_in_transaction_session_timeout=15s"
HOWS = ("before", "after", "cut", "mute")


@dataclass(frozen=True)
class Fault:
    """At the `nth` commit of this kind of work ("advance, piped": of those that go out with all that was written). `how`:

    before, after: SIGKILL, right before or after the commit · cut: PostgreSQL ends the connection at the
    COMMIT · mute: the COMMIT is done, its answer never comes · stop: SIGSTOP right before the commit, for longer than
    PostgreSQL lets a transaction stand still (here a second) · meanwhile: no commit is hit, but mail goes only
    while runs are advanced, between what they read and what they write · ahead, behind: this process's clock
    is off by an hour.
    """

    kind: str
    nth: int
    how: str


class Faults:
    """Counts the commits of each kind of work in this process and lets the fault happen at its own."""

    def __init__(self, runtime: Runtime, fault: Fault | None) -> None:
        self.runtime, self.fault = runtime, fault
        self.kind = ""
        self.commits: Counter[str] = Counter()
        self.worked = 0
        self.happened = False

    @property
    def missed(self) -> bool:
        """The commit that was to be hit never came."""
        return self.fault is not None and self.fault.nth > 0 and not self.happened

    def arm(self) -> None:
        kinds = self.runtime.registrations.due_kinds
        for name, kind in list(kinds.items()):
            kinds[name] = replace(kind, work=self._watched(name, kind.work))
        if self.fault is not None and self.fault.how == "stop":
            base.WORKER_OPTIONS = base.WORKER_OPTIONS.replace(
                STANDSTILL, f"{STANDSTILL.partition('=')[0]}=1s"
            )
        if self.fault is not None and self.fault.how == "meanwhile":
            del kinds["mail"]
            Advancer.write = self._meanwhile(Advancer.write)  # type: ignore[method-assign]
        elif self.fault is not None and self.fault.how in OFF:
            Clock.now = lambda _, off=OFF[self.fault.how]: datetime.now(UTC) + off  # type: ignore[method-assign, misc]
        elif self.fault is not None:
            psycopg.Connection.commit = self._commit(psycopg.Connection.commit)  # type: ignore[method-assign, assignment]

    def _watched(self, name: str, work: Callable[[Runtime], int]) -> Callable[[Runtime], int]:
        def watched(runtime: Runtime) -> int:
            self.kind = name
            try:
                done = work(runtime)
            finally:
                self.kind = ""
            self.worked += done
            return done

        return watched

    def _meanwhile(self, usual: Callable[..., Any]) -> Callable[..., Any]:
        def write(*given: Any) -> Any:
            deliver(self.runtime)
            return usual(*given)

        return write

    def _commit(self, usual: Callable[[Any], None]) -> Callable[[Any], None]:
        def commit(connection: Any) -> None:
            piped = connection.pgconn.pipeline_status != PipelineStatus.OFF
            kinds = [self.kind, f"{self.kind}, piped"] if piped else [self.kind]
            self.commits.update(kinds)
            fault = self.fault
            if fault is None or fault.kind not in kinds or self.commits[fault.kind] != fault.nth:
                usual(connection)
                return
            self.happened = True
            if fault.how == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            elif fault.how == "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            elif fault.how == "cut":
                pid = connection.info.backend_pid
                with psycopg.connect(connection.info.dsn, autocommit=True) as other:
                    other.execute("select pg_terminate_backend(%s, 5000)", [pid])
            usual(connection)
            if fault.how == "after":
                os.kill(os.getpid(), signal.SIGKILL)
            elif fault.how == "mute":
                connection.close()
                raise psycopg.OperationalError("the answer to COMMIT never came")

        return commit
