"""What every process holds: settings, engines by role, and units of work on them."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from autoloop.base.clock import Clock
from autoloop.base.db import engine_for, sessions_for
from autoloop.base.nudges import Nudger
from autoloop.base.services import Services

if TYPE_CHECKING:
    from autoloop.base.registrations import Registrations
    from autoloop.settings import Settings

__all__ = ["Role", "Runtime"]

log = logging.getLogger(__name__)

Role = Literal["web", "worker"]

# A stopped worker must not hold its rows: PostgreSQL ends its transaction and frees them.
WORKER_OPTIONS = "-c idle_in_transaction_session_timeout=15s -c lock_timeout=10s"
WEB_OPTIONS = "-c idle_in_transaction_session_timeout=60s -c statement_timeout=30s -c lock_timeout=10s"


class Runtime:
    """Settings, registrations and the way to the database, in any process of the installation."""

    def __init__(self, settings: Settings, registrations: Registrations, clock: Clock | None = None) -> None:
        self.settings = settings
        self.registrations = registrations
        self.clock = clock or Clock()
        self.nudger = Nudger(settings.broker_url or settings.redis_url)
        self.beside: set[threading.Thread] = set()
        _ALIVE.add(self)

    @cached_property
    def web_engine(self) -> Engine:
        return self._engine(self.settings.database_url, WEB_OPTIONS)

    @cached_property
    def worker_engine(self) -> Engine:
        return self._engine(self.settings.database_worker_url, WORKER_OPTIONS)

    def _engine(self, url: str, options: str) -> Engine:
        return engine_for(
            url,
            pool_size=self.settings.database_pool_size,
            max_overflow=self.settings.database_pool_overflow,
            options=options,
        )

    @cached_property
    def web_sessions(self) -> sessionmaker[Session]:
        return sessions_for(self.web_engine)

    @cached_property
    def worker_sessions(self) -> sessionmaker[Session]:
        return sessions_for(self.worker_engine)

    def engine(self, role: Role = "worker") -> Engine:
        return self.web_engine if role == "web" else self.worker_engine

    def services(self, session: Session, workspace_id: UUID | None = None) -> Services:
        services = Services(session, self.clock, self.settings, self.registrations, nudger=self.nudger)
        if workspace_id is not None:
            services.enter(workspace_id)
        return services

    @contextmanager
    def unit(self, role: Role = "worker", workspace_id: UUID | None = None) -> Iterator[Services]:
        """One transaction: committed at the end, rolled back on any error.

        As `worker` with a `workspace_id`, the transaction acts as the web role, so that
        row-level security holds for imports and other code that serves one tenant.
        """
        maker = self.web_sessions if role == "web" else self.worker_sessions
        with maker() as session, session.begin():
            if role == "worker" and workspace_id is not None:
                session.execute(text("set local role autoloop_web"))
            yield self.services(session, workspace_id)

    def nudge(self, kind: str) -> None:
        """Say that there may be work of this kind. Never raises, never takes over 1 s."""
        self.nudger.nudge(kind)

    def go_on_beside(self, work: Callable[[], None]) -> None:
        """See something through in a thread of its own; who ends the process waits for it."""

        def see_through() -> None:
            try:
                work()
            except Exception:
                log.exception("what went on beside a worker's other work has failed")
            finally:
                self.beside.discard(threading.current_thread())

        thread = threading.Thread(target=see_through, name="beside", daemon=True)
        self.beside.add(thread)
        thread.start()

    def finish(self) -> bool:
        """Wait for what goes on beside. True if there was any."""
        threads = tuple(self.beside)
        for thread in threads:
            thread.join()
        return bool(threads)

    def forget(self) -> None:
        """In a forked child: the connections are the parent's. Leave them open, and make new ones when needed."""
        for name in ("web_engine", "worker_engine"):
            engine = self.__dict__.get(name)
            if engine is not None:
                engine.dispose(close=False)
        self.nudger = Nudger(self.nudger.broker_url)
        self.beside = set()

    def dispose(self) -> None:
        """Close every connection, as at the end, once what goes on beside is over."""
        self.finish()
        for name in ("web_engine", "worker_engine"):
            engine = self.__dict__.get(name)
            if engine is not None:
                engine.dispose()
        self.nudger.close()


_ALIVE: weakref.WeakSet[Runtime] = weakref.WeakSet()


def _forget() -> None:
    for runtime in _ALIVE:
        runtime.forget()


os.register_at_fork(after_in_child=_forget)
