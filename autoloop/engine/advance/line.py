"""The worker's own connection, kept between batches: no ping, and its statements stay prepared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from autoloop.base.plans import renew

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime
    from autoloop.base.services import Services

__all__ = ["Line"]


class Line:
    """One connection as the worker role; made anew after it broke."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._connection: Connection | None = None
        self._planned = 0.0

    @contextmanager
    def unit(self) -> Iterator[tuple[Services, Any]]:
        """One transaction: services on it, and psycopg's connection under it."""
        connection = self._open()
        try:
            with Session(connection, expire_on_commit=False) as session, session.begin():
                driver = connection.connection.driver_connection
                session.connection()
                yield self.runtime.services(session), driver
        except BaseException:
            if self._broken():
                self.close()
            raise

    def _open(self) -> Connection:
        if self._connection is None or self._broken():
            self.close()
            self._connection = self.runtime.engine("worker").connect()
        driver: Any = self._connection.connection.driver_connection
        self._planned = renew(driver, self._planned)
        return self._connection

    def _broken(self) -> bool:
        held = self._connection
        if held is None or held.closed or held.invalidated:
            return True
        driver: Any = held.connection.driver_connection
        if driver is None or driver.closed:
            return True
        # Between units it is idle; anything else means that an error left a command or transaction behind.
        return bool(driver.info.transaction_status != TransactionStatus.IDLE)

    def close(self) -> None:
        held, self._connection = self._connection, None
        if held is not None and not held.closed:
            held.invalidate()
            held.close()
