"""What is counted while the demo runs and in the table at its end: read only, from the real tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

__all__ = ["Figures", "read_figures"]

TAKEN = ("accepted", "delivered", "bounced", "complained")
GOING = ("intent", "sending", "unknown")

RUNS = text("""
select status, reason, count(*) as n from workflow_runs
where workspace_id = :workspace and workflow_id = :workflow group by status, reason""")

MAILS = text("""
select node, status, count(*) as n from email_logs
where workspace_id = :workspace and workflow_id = :workflow group by node, status""")

STEPS = text("""
select coalesce(sum(steps), 0) as n from workflow_runs where workspace_id = :workspace and workflow_id = :workflow""")

PENDING = text("select count(*) from events where workspace_id = :workspace and pending")


@dataclass
class Figures:
    """Counts at one moment. `mails` is by step and status."""

    runs: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    mails: dict[str, dict[str, int]] = field(default_factory=dict)
    steps: int = 0
    pending_events: int = 0

    @property
    def people(self) -> int:
        """Runs that were started."""
        return sum(self.runs.values())

    @property
    def ended(self) -> int:
        """Runs that came to an end."""
        return sum(self.runs.get(status, 0) for status in ("completed", "stopped", "failed", "cancelled"))

    def taken(self, *nodes: str) -> int:
        """Mails of these steps (all, if none is named) that the receiving side took."""
        return self._count(TAKEN, nodes)

    def of(self, status: str) -> int:
        """Mails of all steps in this status."""
        return self._count((status,), ())

    @property
    def on_the_way(self) -> int:
        """Mails whose fate is open."""
        return self._count(GOING, ())

    @property
    def over(self) -> bool:
        """True once nothing is left to do."""
        return self.ended == self.people and not self.on_the_way and not self.pending_events

    def _count(self, statuses: tuple[str, ...], nodes: tuple[str, ...]) -> int:
        chosen = [self.mails.get(node, {}) for node in nodes] if nodes else list(self.mails.values())
        return sum(each.get(status, 0) for each in chosen for status in statuses)


def read_figures(engine: Engine, workspace_id: UUID, workflow_id: UUID) -> Figures:
    """Count. `engine` is the worker role's."""
    place: dict[str, Any] = {"workspace": workspace_id, "workflow": workflow_id}
    found = Figures()
    with engine.connect() as connection:
        for row in connection.execute(RUNS, place):
            found.runs[row.status] = found.runs.get(row.status, 0) + row.n
            if row.reason:
                found.reasons[row.reason] = found.reasons.get(row.reason, 0) + row.n
        for row in connection.execute(MAILS, place):
            found.mails.setdefault(row.node, {})[row.status] = row.n
        found.steps = connection.execute(STEPS, place).scalar_one()
        found.pending_events = connection.execute(PENDING, place).scalar_one()
    return found
