"""Poison: runs that break their workers are found out, go alone, and after five times stand still."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import Connection, OperationalError
from psycopg.pq import ExecStatus
from sqlalchemy import text

from autoloop.base.due import backoff
from autoloop.engine.advance.claim import Claimed, ids

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["REMOVE", "BatchRows", "note_error", "recover"]

log = logging.getLogger(__name__)

MOST = 5
OLD = "interval '10 seconds'"
ADD = b"insert into run_batches (id, workspace_ids, run_ids) values ($1::uuid, $2::uuid[], $3::uuid[])"
REMOVE = "delete from run_batches where id = %s"
# Without runs it is of first turns: it is kept until all events that may have been in it are routed.
LOST = """
select id, workspace_ids, run_ids from run_batches b where started_at < clock_timestamp() - {old}
  and (run_ids <> '{{}}' or not exists (select from events e where e.pending and e.received_at <= b.started_at))
limit 20
"""


class BatchRows:
    """A second connection that commits by itself: what was in hand is known after a crash."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.held: Any = None
        self.sent = False

    def connection(self) -> Connection[Any]:
        if self.held is None or self.held.dbapi_connection.closed:
            self.held = self.runtime.engine("worker").raw_connection()
            self.held.detach()
            self.held.dbapi_connection.autocommit = True
        found: Connection[Any] = self.held.dbapi_connection
        return found

    def send(self, batch: UUID, runs: Sequence[Claimed]) -> None:
        """Send the row off. What follows may go on meanwhile, up to `committed`."""
        values = (str(batch), ids(run.workspace_id for run in runs), ids(run.id for run in runs))
        try:
            line = self.connection().pgconn
            line.send_query_params(ADD, [value.encode() for value in values])
            line.flush()
            self.sent = True
        except BaseException:
            self.close()
            raise

    def committed(self) -> None:
        """Wait until the row is there: before any step runs."""
        self.sent = False
        line, wrong = self.held.dbapi_connection.pgconn, None
        while (result := line.get_result()) is not None:
            if result.status != ExecStatus.COMMAND_OK:
                wrong = result.error_message.decode(errors="replace")
        if wrong is not None:
            self.close()
            raise OperationalError(wrong)

    def remove(self, batch: UUID) -> None:
        """Forget a batch that was rolled back. If that fails too, recovery finds the row."""
        try:
            if self.sent:
                self.committed()
            self.connection().execute(REMOVE, (batch,), prepare=True)
        except Exception as error:
            log.warning("a batch row stays for recovery: %s", error)
            self.close()

    def close(self) -> None:
        self.sent = False
        if self.held is not None:
            self.held.dbapi_connection.close()
            self.held = None


def recover(runtime: Runtime) -> int:
    """Batches whose worker died: their runs go one at a time from now on. Returns how many batches."""
    found = 0
    with runtime.unit("worker") as services:
        session = services.session
        for batch, tenants, runs in session.execute(text(LOST.format(old=OLD))).all():
            free = text("select pg_try_advisory_xact_lock(hashtextextended(cast(:batch as text), 7))")
            if not session.execute(free, {"batch": str(batch)}).scalar():
                continue  # slow, but alive
            found += 1
            gone = session.execute(text("delete from run_batches where id = :id"), {"id": batch})
            if gone.rowcount:  # type: ignore[attr-defined]
                values = {
                    "tenants": list(tenants),
                    "runs": list(runs),
                    "why": "its worker died while it was in hand",
                }
                session.execute(text(STRUCK), values)
    return found


STRUCK = f"""
with struck as (
  update workflow_runs r set attempts = least(r.attempts + 1, {MOST}),
    status = case when r.attempts + 1 >= {MOST} then 'quarantined' else r.status end,
    due_at = case when r.attempts + 1 >= {MOST} then null else now() end,
    reason = case when r.attempts + 1 >= {MOST} then cast(:why as text) else r.reason end,
    steps = r.steps + case when r.attempts + 1 >= {MOST} then 1 else 0 end
  from (select r.workspace_id, r.id from workflow_runs r
    join unnest(cast(:tenants as uuid[]), cast(:runs as uuid[])) u(tenant, run)
      on r.workspace_id = u.tenant and r.id = u.run
    where r.status in ('active', 'waiting') for no key update of r skip locked) held
  where r.workspace_id = held.workspace_id and r.id = held.id
  returning r.workspace_id, r.id, r.steps, r.status)
insert into run_steps (workspace_id, run_id, seq, node, type, visit, position, outcome, detail, entered_at, at)
select workspace_id, id, steps, '', '', 0, 0, 'quarantined', jsonb_build_object('why', cast(:why as text)), now(), now()
from struck where status = 'quarantined'
"""

FAILED = f"""
with struck as (
  update workflow_runs r set attempts = least(r.attempts + 1, {MOST}), steps = r.steps + 1,
    status = case when r.attempts + 1 >= {MOST} then 'quarantined' else r.status end,
    due_at = case when r.attempts + 1 >= {MOST} then null else now() + make_interval(secs => :wait) end,
    reason = case when r.attempts + 1 >= {MOST} then cast(:why as text) else r.reason end
  where r.workspace_id = :tenant and r.id = :run and r.status in ('active', 'waiting')
  returning r.workspace_id, r.id, r.steps, r.status)
insert into run_steps (workspace_id, run_id, seq, node, type, visit, position, outcome, detail, entered_at, at)
select workspace_id, id, steps, '', '', 0, 0, case status when 'quarantined' then status else 'error' end,
  jsonb_build_object('why', cast(:why as text)), now(), now()
from struck
"""


def note_error(runtime: Runtime, run: Claimed, error: BaseException) -> None:
    """Write an error of one run into its journal; it is tried again later, and after five times no more."""
    wait = backoff(run.attempts + 1, base=timedelta(seconds=2), cap=timedelta(minutes=10)).total_seconds()
    why = f"{type(error).__name__}: {error}"[:1000].replace("\x00", "\ufffd")
    log.error("run %s could not go on: %s", run.id, why)
    with runtime.unit("worker") as services:
        values = {"tenant": run.workspace_id, "run": run.id, "why": why, "wait": wait}
        services.session.execute(text(FAILED), values)
