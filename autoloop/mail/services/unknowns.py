"""Emails whose fate nobody knows: what is known of each, and what a person says became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, false, func, or_, select, text

from autoloop.base.errors import Conflict
from autoloop.base.services import Service
from autoloop.engine.models import Workflow
from autoloop.engine.services.stimuli import add as add_stimuli
from autoloop.mail.delivery.lapsed import resend
from autoloop.mail.delivery.outcomes import stimulus
from autoloop.mail.models import Email, EmailAttempt, ProviderAccount, Sender, Status
from autoloop.workspaces.services import WorkspaceAudit

__all__ = ["FATES", "FILTERS", "MOST", "Settled", "Unknowns"]

FATES = ("accepted", "rejected", "skipped", "resend")
FILTERS = ("q", "kind", "workflow_id", "sender_id", "provider_account_id", "on_unknown", "before")
MOST = 5_000
"""Emails that one call settles at the most; it is one transaction."""
NAMED = 50  # ids in the audit's entry

SETTLED = {"accepted": Status.ACCEPTED, "rejected": Status.REJECTED, "skipped": Status.SKIPPED}

SETTLE = text("""
update email_logs e set status = :status, reason = 'Settled by a person', settled_at = clock_timestamp(),
  look_up_at = null, updated_at = now(),
  sent_at = case when :status = 'accepted' then coalesce(e.sent_at, e.settled_at, e.updated_at) else e.sent_at end
where e.workspace_id = :workspace and e.id = any(cast(:ids as uuid[])) and e.status = 'unknown'""")


@dataclass(frozen=True, slots=True)
class Settled:
    """How many were settled, how many of those named were not, and how many more the filter finds."""

    settled: int
    passed_over: int
    left: int


class Unknowns(Service):
    """The emails in state `unknown`, for a person to settle."""

    def rows(self, filters: Mapping[str, Any]) -> Select[Any]:
        """What is known of each: its provider, the last attempt and its reply, the look-ups done.

        `filters`: q (address, subject), kind, workflow_id, sender_id, provider_account_id, on_unknown,
        before (became unknown before this moment); all must hold.
        """
        account, sender, workflow = ProviderAccount, Sender, Workflow
        last = (
            select(EmailAttempt.marked_at, EmailAttempt.code, EmailAttempt.reply)
            .where(EmailAttempt.workspace_id == Email.workspace_id, EmailAttempt.email_id == Email.id)
            .order_by(EmailAttempt.n.desc())
            .limit(1)
            .lateral("last")
        )
        columns = (
            *("id", "kind", "status", "to_address", "to_name", "subject", "message_id", "run_id", "node"),
            *("workflow_id", "contact_id", "attempts", "look_ups", "look_up_at", "on_unknown", "due_at"),
            *("reason", "settled_at", "created_at", "provider_account_id"),
        )
        return (
            select(
                *(getattr(Email, name) for name in columns),
                account.name.label("account_name"),
                account.provider.label("provider"),
                sender.name.label("sender_name"),
                workflow.name.label("workflow_name"),
                last.c.marked_at,
                last.c.code,
                last.c.reply,
            )
            .outerjoin(account, _same(account, Email.provider_account_id))
            .outerjoin(sender, _same(sender, Email.sender_id))
            .outerjoin(workflow, _same(workflow, Email.workflow_id))
            .outerjoin(last, text("true"))
            .where(*self._meant(filters))
        )

    def count(self, filters: Mapping[str, Any] | None = None) -> int:
        """How many there are, or how many a filter finds."""
        found = select(func.count()).select_from(Email).where(*self._meant(filters or {}))
        return int(self.session.scalar(found) or 0)

    def settle(
        self, fate: str, *, ids: Sequence[UUID] | None = None, filters: Mapping[str, Any] | None = None
    ) -> Settled:
        """Say what became of those named, or of the oldest MOST that a filter finds.

        `fate` is one of FATES: it arrived, it did not, the workflow goes on without it, or it is sent
        again as a new email (which may reach the person twice). Those whose fate is known by now are
        passed over; so are erased ones that were to be sent again, for nobody knows their address.
        """
        meant = self._meant(filters or {})
        if ids is not None:
            meant.append(Email.id.in_(ids) if ids else false())
        if fate == "resend":
            meant.append(Email.to_address != "")
        columns = (Email.workspace_id, Email.id, Email.run_id, Email.node, Email.visit)
        found = select(*columns).where(*meant).order_by(Email.id).limit(MOST)
        rows = self.session.execute(found.with_for_update(key_share=True)).all()
        if rows:
            self._apply(fate, rows)
            self._note(fate, rows, filters if ids is None else None)
        left = self.count(filters) if ids is None else 0
        return Settled(len(rows), len(set(ids or ())) - len(rows) if ids is not None else 0, left)

    def settle_one(self, id: UUID, fate: str) -> None:
        """Say what became of one email. Raises Conflict if its fate is known."""
        if not self.settle(fate, ids=[id]).settled:
            raise Conflict("The fate of this email is known.", code="NOT_UNKNOWN")

    def _apply(self, fate: str, rows: Sequence[Any]) -> None:
        if fate == "resend":
            resend(self.services, rows)
            return
        status = SETTLED[fate]
        given = {"status": status.value, "workspace": self.workspace_id, "ids": [row.id for row in rows]}
        self.session.execute(SETTLE, given)
        told = [
            stimulus(row.workspace_id, row.id, row.run_id, row.node, row.visit, status, "settled by a person")
            for row in rows
            if row.run_id is not None
        ]
        add_stimuli(self.services, told)
        self.services.nudge("advance")

    def _note(self, fate: str, rows: Sequence[Any], filters: Mapping[str, Any] | None) -> None:
        how = {} if filters is None else {"filter": {name: str(value) for name, value in filters.items()}}
        named = [str(row.id) for row in rows[:NAMED]]
        self.services(WorkspaceAudit).note("emails.settled", fate=fate, count=len(rows), emails=named, **how)

    def _meant(self, filters: Mapping[str, Any]) -> list[Any]:
        meant = [Email.workspace_id == self.workspace_id, Email.status == Status.UNKNOWN.value]
        equal = ("kind", "workflow_id", "sender_id", "provider_account_id", "on_unknown")
        meant += [getattr(Email, name) == filters[name] for name in equal if filters.get(name) is not None]
        if filters.get("before") is not None:
            meant.append(Email.settled_at < filters["before"])
        if words := filters.get("q"):
            meant.append(
                or_(
                    Email.to_address.icontains(words, autoescape=True),
                    Email.subject.icontains(words, autoescape=True),
                )
            )
        return meant


def _same(table: Any, id: Any) -> Any:
    return (table.workspace_id == Email.workspace_id) & (table.id == id)
