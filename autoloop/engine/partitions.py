"""Monthly partitions of what grows: made six months ahead, dropped whole when their time is over.

Serving roles own nothing, so the functions are the owner's (`security definer`) and take nothing but a
month; they stand in the migrations. A run's journal lies whole in the month in which the run began, an
email's attempts in that of the email: what unfinished ones still need is kept, whatever its age.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from autoloop.base.due import DueKind
from autoloop.base.errors import Conflict

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["KINDS", "TABLES", "Partition", "check", "drop_now", "drop_old", "listed"]

log = logging.getLogger(__name__)

TABLES = ("run_steps", "email_attempts", "events")
AHEAD = 6
LOCK_NOT_AVAILABLE = "55P03"

LATE = " or ".join(
    f"to_regclass('{table}' || to_char(now() at time zone 'UTC' + interval '{AHEAD - 1} months', '_YYYY_MM')) is null"
    for table in TABLES
)
MAKE = text("select autoloop_make_partitions()")
# What waits for the lock of a new partition makes all others wait behind it; there are five months left.
BRIEFLY = text("set local lock_timeout = '1s'")

MY_TURN = text("select single from partition_turns where due_at <= now() for update skip locked")
NEXT_TURN = text("update partition_turns set due_at = now() + cast(:after as interval)")
OLD = "date_trunc('month', now() at time zone 'UTC') - make_interval(months => :months)"
DROP = text(f"select autoloop_drop_partition(cast({OLD} as date))")

LIST = text(f"""
select parent.relname, child.relname, greatest(child.reltuples, 0)::bigint, pg_total_relation_size(child.oid),
  to_date(right(child.relname, 7), 'YYYY_MM') + interval '1 month' <= {OLD}
from pg_inherits join pg_class parent on parent.oid = inhparent join pg_class child on child.oid = inhrelid
where parent.relname = any(:tables) and child.relname ~ '_[0-9]{{4}}_[0-9]{{2}}$' order by 1, 2
""")
STRAYS = text("select autoloop_stray_tables()")

OLD_KEYS = "received_at < now() - interval '90 days'"


@dataclass(frozen=True, slots=True)
class Partition:
    """A month of one table; `rows` as of the last ANALYZE, `bytes` with its indexes. `is_over`: past its time."""

    table: str
    name: str
    month: date
    rows: int
    bytes: int
    is_over: bool


def make(runtime: Runtime) -> int:
    """Make what is missing. Always 0: one call makes everything."""
    try:
        with runtime.unit("worker") as services:
            services.session.execute(BRIEFLY)
            services.session.execute(MAKE)
    except DBAPIError as error:
        if not _is_busy(error):
            raise
        log.info("partitions are made later: a table they refer to is in use")
    return 0


def drop_old(runtime: Runtime) -> int:
    """Drop, or thin to what unfinished runs and mails need, one month whose time is over.

    One for each call, so that locks are short. Returns 1 if there may be more, 0 until the next day.
    """
    months = runtime.settings.journal_months
    with runtime.unit("worker") as services:
        session = services.session
        if session.execute(MY_TURN).first() is None:
            return 0
        gone, after = None, "1 day"
        try:
            with session.begin_nested():
                gone = session.execute(DROP, {"months": months}).scalar() if months else None
        except DBAPIError as error:
            if not _is_busy(error):
                raise
            after = "1 minute"
        if gone is not None:
            log.info(
                "the partition %s is over its %d months: dropped but for what is unfinished", gone, months
            )
            return 1
        session.execute(NEXT_TURN, {"after": after})
        return 0


def drop_now(runtime: Runtime) -> list[str]:
    """Drop or thin every month whose time is over, whosever turn it is. Returns their partitions' names.

    Raises Conflict if a table is in use for longer than half a second at a time.
    """
    names: list[str] = []
    months = runtime.settings.journal_months
    try:
        while months:
            with runtime.unit("worker") as services:
                name = services.session.execute(DROP, {"months": months}).scalar()
            if name is None:
                break
            names.append(str(name))
    except DBAPIError as error:
        if not _is_busy(error):
            raise
        raise Conflict("The table is in use right now. Try again, or leave it to the scheduler.") from error
    return names


def _is_busy(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE


def listed(runtime: Runtime) -> list[Partition]:
    """All months of all partitioned tables, oldest first within each table."""
    months = runtime.settings.journal_months or 12_000
    with runtime.unit("worker") as services:
        rows = services.session.execute(LIST, {"tables": list(TABLES), "months": months}).all()
    return [
        Partition(table, name, date(int(name[-7:-3]), int(name[-2:]), 1), count, size, over)
        for table, name, count, size, over in rows
    ]


def check(runtime: Runtime) -> dict[str, Any]:
    """The health check: rows in a default partition are in no month, and so never leave."""
    with runtime.unit("web") as services:
        strays = services.session.execute(STRAYS).scalar_one()
    if strays:
        names = ", ".join(f"{table}_default" for table in strays)
        said = (
            f"Rows lie in {names}, outside every month: they are never dropped. See docs/reference/limits.md."
        )
        return {"ok": False, "needed": False, "message": said}
    return {"ok": True, "needed": False, "message": "Every row lies in its month."}


def forget_event_keys(runtime: Runtime) -> int:
    """Delete keys of events older than the replay window, a thousand at a time."""
    with runtime.unit("worker") as services:
        batch = f"select ctid from event_keys where {OLD_KEYS} limit 1000"
        done = services.session.execute(text(f"delete from event_keys where ctid = any(array({batch}))"))
        return int(done.rowcount)  # type: ignore[attr-defined]


KINDS = (
    DueKind("partitions", f"select {LATE}", make),
    DueKind(
        "old_partitions", "select exists (select 1 from partition_turns where due_at <= now())", drop_old
    ),
    DueKind("event_keys", f"select exists (select 1 from event_keys where {OLD_KEYS})", forget_event_keys),
)
