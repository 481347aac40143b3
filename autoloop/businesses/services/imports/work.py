"""The due work of imports: lease one, write chunk after chunk, each in its own transaction."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from autoloop.base.due import DueKind, Lease, Rounds, backoff
from autoloop.base.garbage import uncollected
from autoloop.base.runtime import Runtime
from autoloop.base.services import Services
from autoloop.businesses.models import Import
from autoloop.businesses.services.imports.batch import Batch
from autoloop.businesses.services.imports.chunk import Result, keep_rejects, write_chunk
from autoloop.businesses.services.imports.pieces import forget_pieces
from autoloop.businesses.services.imports.reading import Chunk, Reading, Reject, kept_cells

__all__ = ["CHUNK", "KIND", "work"]

log = logging.getLogger(__name__)

CHUNK = 5000
SLICE = 3.0  # seconds after which another import, or other work, has its turn
TURN = 0.0003  # seconds that one thread may compute while another waits for its turn
LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 8
ROUNDS = Rounds("imports", "@.due_at <= now()")
PROBE = """select exists (select from imports
  where due_at <= now() and (lease_until is null or lease_until < clock_timestamp()))"""
# Another transaction did the same at the same time; looking again is all it takes.
AGAIN = ("40001", "40P01", "55P03", "23505")


class Gone(Exception):
    """The import is not ours any more."""


def work(runtime: Runtime) -> int:
    """Lease one due import and work on it for some seconds. Returns how many rows it read, 0 if none is due."""
    with runtime.unit("worker") as services:
        leases = ROUNDS.claim(services.session, batch=1, lease=LEASE)
    if not leases:
        return 0
    lease = leases[0]
    if lease.attempts > MOST_ATTEMPTS:
        _fail(runtime, lease, f"The worker ended {MOST_ATTEMPTS} times at the same place.")
        return 1
    try:
        with uncollected(), _paced(), ThreadPoolExecutor(1, thread_name_prefix="import") as pool:
            return max(_slice(runtime, lease, pool), 1)
    except Gone:
        return 1
    except Exception as error:
        log.exception("an import stopped")
        _postpone(runtime, lease, error)
        return 1


@contextmanager
def _paced() -> Iterator[None]:
    """The interpreter set for a thread that computes beside one that mostly waits for short answers.

    Else each answer of PostgreSQL had to wait 5 ms for the reading thread to let go of it.
    """
    turn = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(turn)


def _slice(runtime: Runtime, lease: Lease, pool: ThreadPoolExecutor) -> int:
    """Chunk after chunk: while one is written, the next is read."""
    until = time.monotonic() + SLICE
    # A row that kills its worker is found by ever smaller chunks, since each death raises `attempts`.
    usual = max(1, CHUNK // 4 ** (lease.attempts - 1))
    with _hold(runtime, lease) as (services, row):
        reading, offset, line = Reading(services, row), row.bytes_done, row.line

    def read(offset: int, line: int, size: int) -> Chunk:
        with runtime.unit("worker", lease.workspace_id) as services:
            return reading.read(services, offset, line, size)

    done, tries = 0, 0
    chunk, coming = read(offset, line, usual), None
    while True:
        if coming is None and not chunk.finished:
            coming = pool.submit(read, chunk.offset, chunk.line, usual)
        try:
            result = _write(runtime, lease, reading, chunk)
        except (DBAPIError, psycopg.Error) as error:
            tries += 1
            if _state(error) in AGAIN and tries <= 3:
                continue
            if chunk.rows <= 1:
                chunk = _without(chunk, error)
            else:
                chunk, coming = read(chunk.start, chunk.first_line, max(1, chunk.rows // 8)), None
            tries = 0
            continue
        done += result.rows
        if coming is None:
            return done
        if time.monotonic() > until:
            _release(runtime, lease)
            return done
        chunk, coming, tries = coming.result(), None, 0


def _state(error: DBAPIError | psycopg.Error) -> str:
    """The SQLSTATE of an error that lies in the data or in the timing. Others are raised again."""
    state = getattr(getattr(error, "orig", error), "sqlstate", None) or ""
    if not state or state[:2] in ("08", "57", "53"):
        raise error
    return state


def _write(runtime: Runtime, lease: Lease, reading: Reading, chunk: Chunk) -> Result:
    """One chunk and how far it got, in one transaction: a kill at any moment repeats or loses nothing."""
    with _hold(runtime, lease) as (services, row):
        if row.bytes_done != chunk.start:
            raise Gone
        result = write_chunk(services, row.id, chunk, reading.options)
        keep_rejects(services, row.id, result.rejects)
        _move_on(services, row, lease, result)
    if result.counts["created"] or result.counts["updated"]:
        runtime.nudge("route")
    return result


def _without(chunk: Chunk, error: Exception) -> Chunk:
    """A chunk of one row that the database refuses: the row as a reject."""
    if not chunk.batch.people and not chunk.batch.alone:
        raise error
    why = str(getattr(error, "orig", error)).splitlines()[0][:300]
    log.warning("a row of an import cannot be written: %s", why)
    row = chunk.batch.people[0].row if chunk.batch.people else next(iter(chunk.batch.alone.values()))
    reject = Reject(chunk.first_line, f"the database refused it: {why}", kept_cells(row.cells))
    return replace(chunk, batch=Batch(), rejects=[reject], people=[], companies=[])


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
    _set(services, lease, values)


def _set(services: Services, lease: Lease, values: dict[str, Any]) -> None:
    statement = update(Import).where(
        Import.workspace_id == lease.workspace_id, Import.id == lease.id, Import.fence + 0 == lease.fence
    )
    found = services.session.execute(statement.values(values).execution_options(synchronize_session=False))
    if found.rowcount != 1:  # type: ignore[attr-defined]
        raise Gone


def _release(runtime: Runtime, lease: Lease) -> None:
    with runtime.unit("worker") as services:
        _set(services, lease, {"lease_until": None, "due_at": text("now()")})


def _postpone(runtime: Runtime, lease: Lease, error: Exception) -> None:
    wait = backoff(lease.attempts, base=timedelta(seconds=2), cap=timedelta(minutes=5))
    try:
        with runtime.unit("worker") as services:
            due = {"due_at": services.clock.now() + wait, "lease_until": None, "problem": _words(error)}
            _set(services, lease, due)
    except Exception:
        log.warning("the lease of the import stays until it lapses")


def _fail(runtime: Runtime, lease: Lease, problem: str) -> None:
    with runtime.unit("worker") as services:
        failed = {"status": "failed", "problem": problem, "due_at": None, "lease_until": None}
        _set(services, lease, failed | {"finished_at": services.clock.now()})


def _words(error: Exception) -> str:
    return f"It will go on shortly. What went wrong: {type(error).__name__}"


KIND = DueKind("import", PROBE, work)
