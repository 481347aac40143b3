"""Processes that stand still in the middle of a transaction: their sessions are ended, so that their rows are free.

PostgreSQL does so itself (`idle_in_transaction_session_timeout`), but only while a session is idle. One whose pipeline
has had no Sync yet counts as active for as long as its client says nothing; and one that got a Flush after the Sync,
as psycopg sends it when it leaves a pipeline, looks idle and has its timer switched off.
"""

from __future__ import annotations

import logging

from sqlalchemy import Connection, text

__all__ = ["SECONDS", "end_standing"]

log = logging.getLogger(__name__)

SECONDS = 15.0  # as idle_in_transaction_session_timeout of workers

# A COPY tells nothing of when its last line came.
STANDING = text("""
select pid, pg_terminate_backend(pid) as ended from pg_stat_activity
where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
  and xact_start is not null and wait_event = 'ClientRead'
  and state_change < clock_timestamp() - make_interval(secs => :seconds) and query not ilike 'copy %'
""")


def end_standing(connection: Connection) -> int:
    """End this role's sessions in whose transaction the server has waited `SECONDS` for the client; how many."""
    ended = [row.pid for row in connection.execute(STANDING, {"seconds": SECONDS}) if row.ended]
    if ended:
        log.warning("a process stood still in a transaction; ended its sessions: %s", ended)
    return len(ended)
