"""What must hold, whatever happened: stated in SQL over the real tables, beside the journal of the sink."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

__all__ = ["Broken", "Judge"]

# Each statement gives the rows that break its sentence. The database notes when a transaction began, not when it
# was committed, and a mail may be begun in between: hence the seconds. One click on Unsubscribe is judged to the
# moment, by `after_clicks`.
RULES: dict[str, str] = {
    "each contact has exactly one run": """
        select c.id::text || ' has ' || count(r.id) from business_contacts c
        left join workflow_runs r on r.workspace_id = c.workspace_id and r.contact_id = c.id
          and r.workflow_id = :workflow
        where c.workspace_id = :workspace group by c.id having count(r.id) <> 1""",
    "every run came to its end": """
        select r.id::text || ' is ' || r.status from workflow_runs r
        where r.workspace_id = :workspace and r.workflow_id = :workflow
          and (r.ended_at is null or r.status not in ('completed', 'stopped'))""",
    "no wait, stimulus, action or batch is left over": """
        select 'wait of ' || run_id from run_waits where workspace_id = :workspace
        union all select 'stimulus of ' || run_id from run_stimuli where workspace_id = :workspace
        union all select 'action of ' || run_id from run_actions where workspace_id = :workspace
        union all select 'batch ' || id from run_batches where :workspace = any(workspace_ids)""",
    "no mail is left without a fate": """
        select e.id::text || ' is ' || e.status from email_logs e
        where e.workspace_id = :workspace and e.status in ('intent', 'sending', 'unknown')""",
    "each visit of a mail step made one mail": """
        select run_id || ' ' || node || ' ' || visit from email_logs
        where workspace_id = :workspace and run_id is not null and resend_of is null
        group by run_id, node, visit having count(*) > 1""",
    "the journal of each run is whole": """
        select r.id::text from workflow_runs r
        left join run_steps s on s.workspace_id = r.workspace_id and s.run_id = r.id
        where r.workspace_id = :workspace and r.workflow_id = :workflow
        group by r.workspace_id, r.id, r.steps
        having count(s.seq) <> r.steps or count(distinct s.seq) <> r.steps""",
    "no mail was begun after its run had ended": """
        select e.id::text from email_logs e
        join workflow_runs r on r.workspace_id = e.workspace_id and r.id = e.run_id
        join email_attempts a on a.workspace_id = e.workspace_id and a.email_id = e.id
        where e.workspace_id = :workspace and a.marked_at > r.ended_at + interval '5 seconds'""",
    "no mail was asked for after the run had its answer": """
        select e.id::text from email_logs e
        join run_steps s on s.workspace_id = e.workspace_id and s.run_id = e.run_id
        where e.workspace_id = :workspace and s.type = 'wait_for_event' and s.port = 'next'
          and e.created_at > s.at""",
    "no mail was begun once its address was suppressed": """
        select e.id::text from email_logs e
        join suppressions x on x.workspace_id = e.workspace_id and lower(x.address) = lower(e.to_address)
        join email_attempts a on a.workspace_id = e.workspace_id and a.email_id = e.id
        where e.workspace_id = :workspace and e.kind = 'marketing'
          and a.marked_at > x.created_at + interval '5 seconds'""",
    "no mail was begun long after a reply or a bounce": """
        select e.id::text from email_logs e
        join events v on v.workspace_id = e.workspace_id and v.contact_id = e.contact_id
          and v.name in ('email.replied', 'email.bounced')
        join email_attempts a on a.workspace_id = e.workspace_id and a.email_id = e.id
        where e.workspace_id = :workspace and a.marked_at > v.received_at + interval '30 seconds'""",
}

ROWS = text("""
select message_id, id::text as id, status, to_address from email_logs
where workspace_id = :workspace and message_id is not null""")

MARKED_AFTER = text("""
select e.id::text from unnest(cast(:addresses as text[]), cast(:moments as double precision[])) u(address, at)
join email_logs e on e.workspace_id = :workspace and e.to_address = u.address
join email_attempts a on a.workspace_id = e.workspace_id and a.email_id = e.id
where extract(epoch from a.marked_at) > u.at""")

TAKEN = frozenset({"accepted", "delivered", "bounced", "complained"})


@dataclass(frozen=True)
class Broken:
    """A sentence that does not hold, with the rows that break it."""

    sentence: str
    rows: Sequence[str]

    def __str__(self) -> str:
        more = f" and {len(self.rows) - 3} more" if len(self.rows) > 3 else ""
        return f"{self.sentence}: not so for {', '.join(self.rows[:3])}{more}"


@dataclass
class Judge:
    """Judges one workflow of one workspace. `taken` holds (Message-ID, recipient) of every mail at the sink.

    Mail in one of the `open_fates` may be at the sink or not: the statuses that admit not to know.
    """

    connection: Connection
    workspace_id: UUID
    workflow_id: UUID
    taken: Sequence[tuple[str, str]]
    open_fates: Collection[str] = ()
    left_out: Collection[str] = ()

    def broken(self) -> list[Broken]:
        """All sentences that do not hold."""
        place = {"workspace": self.workspace_id, "workflow": self.workflow_id}
        found = []
        for sentence, statement in RULES.items():
            if sentence not in self.left_out:
                rows = [str(row[0]) for row in self.connection.execute(text(statement), place)]
                found.append(Broken(sentence, rows))
        found += [
            Broken("the sink has each mail once", self.duplicates()),
            Broken("what was accepted is at the sink", self.lost()),
            Broken("what is at the sink was accepted, for that recipient", self.unaccounted()),
        ]
        return [each for each in found if each.rows]

    def after_clicks(self, clicked: Mapping[str, float]) -> list[str]:
        """Mails begun after the one click of their recipient was answered: address → moment."""
        given: dict[str, Any] = {
            "workspace": self.workspace_id,
            "addresses": list(clicked),
            "moments": list(clicked.values()),
        }
        return [str(row[0]) for row in self.connection.execute(MARKED_AFTER, given)]

    def duplicates(self) -> list[str]:
        """Message-IDs that came more than once."""
        return [id for id, count in Counter(id for id, _ in self.taken).items() if count > 1]

    def lost(self) -> list[str]:
        """Mails that are accepted as far as we know, and that the sink never took."""
        at_sink = {id for id, _ in self.taken}
        return [id for id, (status, _) in self._rows.items() if status in TAKEN and id not in at_sink]

    def unaccounted(self) -> list[str]:
        """Mails at the sink that no accepted row accounts for."""
        fine = TAKEN | set(self.open_fates)
        rows = self._rows
        return [
            id
            for id, recipient in self.taken
            if id not in rows or rows[id][0] not in fine or rows[id][1].lower() != recipient.lower()
        ]

    @property
    def _rows(self) -> dict[str, tuple[str, str]]:
        found = self.connection.execute(ROWS, {"workspace": self.workspace_id})
        return {row.message_id: (row.status, row.to_address) for row in found}
