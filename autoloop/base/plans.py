"""Plans of prepared statements, made anew now and then.

PostgreSQL keeps the plan of a statement that a connection prepared until statistics change. Made while a
table was small, such a plan reads all of it, and goes on to do so when there are a million rows: until the
next ANALYZE, which may be minutes away, a batch that takes milliseconds takes seconds. Planning itself looks
at a table's present size, so it is enough to plan again every few seconds.
"""

from __future__ import annotations

import time
from typing import Any

from psycopg import Connection
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event

__all__ = ["AGE", "keep_fresh", "renew"]

AGE = 2.0  # seconds; planning a worker's dozen statements takes about 5 ms
MADE = "plans_made"


def renew(connection: Connection[Any], made: float) -> float:
    """Forget a connection's plans if they are old and it is between transactions. Returns when they were made."""
    now = time.monotonic()
    if now - made < AGE or connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
        return made
    connection.pgconn.exec_(b"discard plans")
    return now


def keep_fresh(engine: Engine) -> None:
    """See to it for all that take connections from this engine's pool."""

    def check_out(connection: Any, record: Any, _proxy: Any) -> None:
        record.info[MADE] = renew(connection, record.info.get(MADE, 0.0))

    event.listen(engine, "checkout", check_out)
