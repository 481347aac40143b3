"""What must hold after any crash, for every workflow of a workspace: SQL over the real tables, beside the sink."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from autoloop.demo.invariants import Broken, Judge
from tests.crash.rules import ALWAYS, AT_REST, SHOWN_AS_UNKNOWN

__all__ = ["broken_rules", "broken_story", "unknown_mails"]

UNKNOWN = text("select id, message_id from email_logs where workspace_id = :workspace and status = 'unknown'")

# A mail may be begun late because it was marked by a worker that was killed right then.
# "every run came to its end" stays; timing of bars is the demo's to judge, on a machine that is not being shot at.
LEFT_OUT = ("no mail was begun long after a reply or a bounce",)

# Statuses in which we admit not to know, or did not know once, whether the sink has it.
OPEN = ("unknown", "resent", "rejected", "skipped")

AT_SINK = {
    "what is at the sink has a row, for that recipient (who may have been erased since)": """
        select u.message_id from sink u where not exists (select from email_logs e
          where e.workspace_id = :workspace and e.message_id = u.message_id
            and (lower(e.to_address) = lower(u.recipient) or e.to_address = ''))""",
    "what arrived and is not accepted was shown as unknown": f"""
        select e.id::text from email_logs e join sink u on u.message_id = e.message_id
        where e.workspace_id = :workspace and e.status in ('rejected', 'skipped', 'resent', 'cancelled', 'intent')
          and not {SHOWN_AS_UNKNOWN}""",
    "what was accepted is at the sink": """
        select e.id::text from email_logs e where e.workspace_id = :workspace
          and e.status in ('accepted', 'delivered', 'bounced', 'complained')
          and not exists (select from sink u where u.message_id = e.message_id)""",
    "a visit of a mail step reached the sink once, or its first mail was shown as unknown": """
        select e.run_id || ' ' || e.node || ' ' || e.visit from email_logs e
        join (select distinct message_id from sink) u on u.message_id = e.message_id
        where e.workspace_id = :workspace and e.run_id is not null and e.status not in ('resent', 'unknown')
        group by e.run_id, e.node, e.visit having count(*) > 1""",
}
SINK = """with sink as (select * from unnest(cast(:message_ids as text[]), cast(:recipients as text[]))
  u(message_id, recipient)) """


def unknown_mails(connection: Connection, workspace_id: UUID) -> list[tuple[UUID, str]]:
    """(id, Message-ID) of the mails that are shown as unknown."""
    return [(row.id, row.message_id) for row in connection.execute(UNKNOWN, {"workspace": workspace_id})]


def broken_story(
    connection: Connection, workspace_id: UUID, taken: Sequence[tuple[str, str]], *, at_rest: bool = True
) -> list[Broken]:
    """All sentences that do not hold. `taken`: (Message-ID, recipient) of each mail at the sink.

    `at_rest`: workers have had all the time they need, so nothing that is due may be left.
    """
    given: dict[str, Any] = {
        "workspace": workspace_id,
        "message_ids": [message_id for message_id, _ in taken],
        "recipients": [recipient for _, recipient in taken],
    }
    rules = {**ALWAYS, **(AT_REST if at_rest else {}), **{name: SINK + sql for name, sql in AT_SINK.items()}}
    found = [
        Broken(sentence, [str(row[0]) for row in connection.execute(text(sql), given)])
        for sentence, sql in rules.items()
    ]
    twice = [id for id, count in Counter(given["message_ids"]).items() if count > 1]
    found.append(Broken("the sink has each Message-ID once", twice))
    return [each for each in found if each.rows]


def broken_rules(
    connection: Connection, workspace_id: UUID, workflow_id: UUID, taken: Sequence[tuple[str, str]]
) -> list[Broken]:
    """The same, and what the demo asks of its outreach."""
    judge = Judge(connection, workspace_id, workflow_id, taken, open_fates=OPEN, left_out=LEFT_OUT)
    return judge.broken() + broken_story(connection, workspace_id, taken)
