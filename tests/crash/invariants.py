"""What must hold after any crash: the demo's invariants, and what `unknown` may and may not mean."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, text

from autoloop.demo.invariants import Broken, Judge

__all__ = ["broken_rules", "unknown_mails"]

UNKNOWN = text("select id, message_id from email_logs where workspace_id = :workspace and status = 'unknown'")

# A mail may be begun late because it was marked by a worker that was killed right then.
# "every run came to its end" stays; timing of bars is the demo's to judge, on a machine that is not being shot at.
LEFT_OUT = ("no mail was begun long after a reply or a bounce",)

# Statuses in which we admit not to know, or did not know once, whether the sink has it.
OPEN = ("unknown", "resent", "rejected", "skipped")

NEVER_UNKNOWN = text("""
select e.id::text from email_logs e where e.workspace_id = :workspace and e.message_id = any(:at_sink)
  and e.status in ('rejected', 'skipped', 'resent', 'cancelled', 'intent')
  and not exists (select from email_attempts a where a.workspace_id = e.workspace_id and a.email_id = e.id
    and a.outcome = 'unknown')""")


def unknown_mails(connection: Connection, workspace_id: UUID) -> list[tuple[UUID, str]]:
    """(id, Message-ID) of the mails that are shown as unknown."""
    return [(row.id, row.message_id) for row in connection.execute(UNKNOWN, {"workspace": workspace_id})]


def broken_rules(
    connection: Connection, workspace_id: UUID, workflow_id: UUID, taken: Sequence[tuple[str, str]]
) -> list[Broken]:
    """All sentences that do not hold. `taken`: (Message-ID, recipient) of each mail at the sink."""
    judge = Judge(connection, workspace_id, workflow_id, taken, open_fates=OPEN, left_out=LEFT_OUT)
    found = judge.broken()
    given = {"workspace": workspace_id, "at_sink": [message_id for message_id, _ in taken]}
    rows = [str(row[0]) for row in connection.execute(NEVER_UNKNOWN, given)]
    if rows:
        found.append(Broken("what arrived and is not accepted was shown as unknown", rows))
    return found
