"""The due work of imports: lease one, write chunk after chunk, each in its own transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from autoloop.base.due import DueKind, Lease, backoff, claim
from autoloop.base.runtime import Runtime
from autoloop.base.services import Services
from autoloop.businesses.models import Import
from autoloop.businesses.services.imports.chunk import Reject, Result, keep_rejects, run_chunk
from autoloop.businesses.services.imports.pieces import forget_pieces

__all__ = ["CHUNK", "KIND", "work"]

log = logging.getLogger(__name__)

CHUNK = 5000
SLICE = 3.0  # seconds after which another import, or other work, has its turn
LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 8
DUE = "@.due_at <= now()"
PROBE = """select exists (select from imports
  where due_at <= now() and (lease_until is null or lease_until < clock_timestamp()))"""
# Another transaction did the same at the same time; looking again is all it takes.
AGAIN = ("40001", "40P01", "55P03", "23505")


class Gone(Exception):
    """The import is not ours any more."""


def work(runtime: Runtime) -> int:
    """Lease one due import and work on it for some seconds. Returns how many rows it read, 0 if none is due."""
    with runtime.unit("worker") as services:
        leases = claim(services.session, "imports", DUE, batch=1, lease=LEASE, start=uuid4())
    if not leases:
        return 0
    return max(_slice(runtime, leases[0]), 1)


def _slice(runtime: Runtime, lease: Lease) -> int:
    done, until = 0, time.monotonic() + SLICE
    # A row that kills its worker is found by ever smaller chunks, since each death raises `attempts`.
    usual = max(1, CHUNK // 4 ** (lease.attempts - 1))
    if lease.attempts > MOST_ATTEMPTS:
        _fail(runtime, lease, f"The worker ended {MOST_ATTEMPTS} times at the same place.")
        return 0
    try:
        size, tries = usual, 0
        while True:
            try:
                result = _step(runtime, lease, size)
            except (DBAPIError, psycopg.Error) as error:
                refusal = getattr(error, "orig", error)
                state = getattr(refusal, "sqlstate", None)
                if not state or state[:2] in ("08", "57", "53"):
                    raise
                tries += 1
                if state in AGAIN and tries <= 3:
                    continue
                if size > 1:
                    size, tries = max(1, size // 8), 0
                    continue
                log.warning("a row of an import cannot be written: %s", refusal)
                result = _skip(runtime, lease, str(refusal).splitlines()[0])
            done += result.rows
            if result.finished:
                return done
            size, tries = usual, 0
            if time.monotonic() > until:
                _release(runtime, lease)
                return done
    except Gone:
        return done
    except Exception as error:
        log.exception("an import stopped")
        _postpone(runtime, lease, error)
        return done


def _step(runtime: Runtime, lease: Lease, size: int) -> Result:
    """One chunk and how far it got, in one transaction: a kill at any moment repeats or loses nothing."""
    with _hold(runtime, lease) as (services, row):
        result = run_chunk(services, row, size)
        keep_rejects(services, row.id, result.rejects)
        _move_on(services, row, lease, result)
    if result.finished or result.counts["created"] or result.counts["updated"]:
        runtime.nudge("route")
    return result


def _skip(runtime: Runtime, lease: Lease, why: str) -> Result:
    """Leave out one row that the database refuses."""
    with _hold(runtime, lease) as (services, row):
        attempt = services.session.begin_nested()
        line, counts = row.line, dict.fromkeys(row.counts, 0) | {"rejected": 1}
        result = _read_only(services, row)
        attempt.rollback()
        reject = Reject(line, f"the database refused it: {why[:300]}", result[2])
        keep_rejects(services, row.id, [reject])
        skipped = Result(1, result[0], result[1], False, counts, [reject])
        _move_on(services, row, lease, skipped)
    return skipped


def _read_only(services: Services, row: Import) -> tuple[int, int, list[str]]:
    from autoloop.businesses.csvfile import Format, Records
    from autoloop.businesses.services.imports.pieces import read_pieces

    form = Format(**{name: row.format[name] for name in Format.__slots__})
    records = Records(read_pieces(services, row.id, row.bytes_done), form, row.bytes_done, row.line)
    record = next(iter(records))
    return records.offset, records.line, record.cells


@contextmanager
def _hold(runtime: Runtime, lease: Lease) -> Iterator[tuple[Services, Import]]:
    """The import, locked in a transaction of its workspace. Raises Gone if the lease is not ours."""
    with runtime.unit("worker", lease.workspace_id) as services:
        statement = select(Import).where(Import.workspace_id == lease.workspace_id, Import.id == lease.id)
        row = services.session.scalars(statement.with_for_update(key_share=True)).first()
        if row is None or row.fence != lease.fence or row.status != "running":
            raise Gone
        services.user_id = row.user_id
        yield services, row


def _move_on(services: Services, row: Import, lease: Lease, result: Result) -> None:
    values: dict[str, Any] = {
        "bytes_done": result.offset,
        "line": result.line,
        "rows_done": row.rows_done + result.rows,
        "counts": {name: row.counts.get(name, 0) + n for name, n in result.counts.items()},
        "attempts": 0,
        "lease_until": text("clock_timestamp() + interval '60 seconds'"),
    }
    if result.finished:
        values |= {
            "status": "completed",
            "finished_at": services.clock.now(),
            "due_at": None,
            "lease_until": None,
            "rows_total": values["rows_done"],
            "bytes_done": row.bytes_total,
        }
        forget_pieces(services, row.id)
    _write(services, lease, values)


def _write(services: Services, lease: Lease, values: dict[str, Any]) -> None:
    statement = update(Import).where(
        Import.workspace_id == lease.workspace_id, Import.id == lease.id, Import.fence + 0 == lease.fence
    )
    found = services.session.execute(statement.values(values).execution_options(synchronize_session=False))
    if found.rowcount != 1:  # type: ignore[attr-defined]
        raise Gone


def _release(runtime: Runtime, lease: Lease) -> None:
    with runtime.unit("worker") as services:
        _write(services, lease, {"lease_until": None, "due_at": text("now()")})


def _postpone(runtime: Runtime, lease: Lease, error: Exception) -> None:
    wait = backoff(lease.attempts, base=timedelta(seconds=2), cap=timedelta(minutes=5))
    try:
        with runtime.unit("worker") as services:
            due = {"due_at": services.clock.now() + wait, "lease_until": None, "problem": _words(error)}
            _write(services, lease, due)
    except Exception:
        log.warning("the lease of the import stays until it lapses")


def _fail(runtime: Runtime, lease: Lease, problem: str) -> None:
    with runtime.unit("worker") as services:
        failed = {"status": "failed", "problem": problem, "due_at": None, "lease_until": None}
        _write(services, lease, failed | {"finished_at": services.clock.now()})


def _words(error: Exception) -> str:
    return f"It will go on shortly. What went wrong: {type(error).__name__}"


KIND = DueKind("import", PROBE, work)
