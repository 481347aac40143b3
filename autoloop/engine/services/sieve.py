"""Who of a set may start: asked before a start by hand, and in the start itself, so that both say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.services import Services
from autoloop.engine.services.audience import FROM_ALL, LAST, chosen_sql

__all__ = ["Mails", "Sieve", "mails_of"]

RUN = (
    "from workflow_runs r where r.workspace_id = c.workspace_id and r.workflow_id = :workflow "
    "and r.contact_id = c.id"
)
LATEST = "order by r.id desc limit 1"


@dataclass(frozen=True, slots=True)
class Mails:
    """Whether a workflow sends mail at all, and whether it sends marketing mail."""

    any: bool
    marketing: bool


def mails_of(graph: Any) -> Mails:
    """What the `send_email` steps of a graph send, in any state of repair."""
    nodes = graph.get("nodes") if isinstance(graph, Mapping) else None
    kinds = [
        (node.get("config") or {}).get("kind") or "marketing"
        for node in (nodes if isinstance(nodes, list) else ())
        if isinstance(node, Mapping)
        and node.get("type") == "send_email"
        and isinstance(node.get("config") or {}, Mapping)
    ]
    return Mails(bool(kinds), "marketing" in kinds)


class Sieve:
    """Each contact of a set with the reason why it cannot start, or none.

    Reasons: archived, unsubscribed, bounced, complained, no_address, suppressed, no_consent; with a
    re-entry rule also was_here_before, is_in_it_now, was_here_lately. Of a set only active contacts
    start; a contact that is named may be unsubscribed where no marketing mail is sent.
    """

    def __init__(
        self,
        services: Services,
        workflow_id: UUID,
        whom: Mapping[str, Any],
        mails: Mails,
        reentry: Any = None,
    ) -> None:
        self.session = services.session
        choice, self.values = chosen_sql(services.workspace_id, whom)
        self.values |= {"workflow": workflow_id}
        if isinstance(reentry, Mapping):
            self.values["lately"] = services.clock.now() - timedelta(days=reentry["after_days"])
        barred = services.registrations.fact_loaders.get("barred_sql")
        cases = [
            "when c.status = 'archived' then 'archived'",
            *(["when c.status <> 'active' then c.status"] if "contacts" not in whom else []),
            *(["when c.email_normal = '' then 'no_address'"] if mails.any else []),
            *([f"when ({barred()}) is not null then ({barred()})"] if barred and mails.marketing else []),
            *_reentry_cases(reentry),
        ]
        self.sql = f"select c.id, case {' '.join(cases)} end as reason {FROM_ALL} {choice}"

    def counts(self) -> dict[str | None, int]:
        """How many there are by reason; of none, those who would start."""
        rows = self.session.execute(
            text(f"select s.reason, count(*) from ({self.sql}) s group by 1"), self.values
        )
        return {row[0]: row[1] for row in rows}

    def part(self, after: UUID | None, most: int) -> Sequence[Any]:
        """The next contacts (id, reason) in id order; fewer than `most` says that these are the last."""
        sql = f"{self.sql} and c.id > :after order by c.id limit {int(most)}"
        return self.session.execute(text(sql), self.values | {"after": after or LAST}).all()

    def listed(self, reason: str | None, after: UUID | None, most: int) -> Sequence[Any]:
        """The next contacts (id, email, first_name, last_name) of one reason, in id order."""
        sql = f"""select c.id, c.email, c.first_name, c.last_name from ({self.sql}) s
            join business_contacts c on c.workspace_id = :workspace and c.id = s.id
            where s.reason is not distinct from cast(:reason as text) and s.id > :after
            order by s.id limit {int(most)}"""
        given = self.values | {"reason": reason, "after": after or LAST}
        return self.session.execute(text(sql), given).all()


def _reentry_cases(rule: Any) -> list[str]:
    if rule == "once":
        return [f"when exists (select 1 {RUN} and r.entry_key = 'once') then 'was_here_before'"]
    if rule == "not_active":
        return [f"when (select r.ended_at is null {RUN} {LATEST}) then 'is_in_it_now'"]
    if isinstance(rule, Mapping):
        return [f"when (select r.started_at > :lately {RUN} {LATEST}) then 'was_here_lately'"]
    return []
