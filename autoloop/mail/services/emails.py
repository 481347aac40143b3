"""The email log: what was sent to whom, what became of it, and settling what nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select, text

from autoloop.base.errors import Conflict
from autoloop.base.services import Service
from autoloop.engine.models import Workflow
from autoloop.engine.services.stimuli import add as add_stimuli
from autoloop.mail.delivery.lapsed import resend
from autoloop.mail.delivery.outcomes import stimulus
from autoloop.mail.models import Email, EmailAttempt, EmailTemplate, EmailTemplateVersion, Sender, Status

__all__ = ["Emails"]

LISTED = (
    *("id", "kind", "status", "hold_reason", "reason", "to_address", "to_name", "subject", "run_id", "node"),
    *("workflow_id", "contact_id", "business_id", "sender_id", "attempts", "due_at", "sent_at", "settled_at"),
    *("created_at", "updated_at"),
)
SETTLED = {"accepted": Status.ACCEPTED, "rejected": Status.REJECTED, "skipped": Status.SKIPPED}

SETTLE = text("""
update email_logs set status = :status, reason = :reason, settled_at = clock_timestamp(), updated_at = now(),
  sent_at = case when :status = 'accepted' then coalesce(sent_at, updated_at) else sent_at end
where workspace_id = :workspace and id = :id and status = 'unknown'
returning run_id, node, visit""")


class Emails(Service):
    """Reads the log. Delivery is what writes it, but for what a person settles."""

    def rows(self, filters: Mapping[str, Any]) -> Select[Any]:
        """Emails that match: status, kind, contact_id, run_id, workflow_id, sender_id; q in address and subject."""
        query = select(*(getattr(Email, field) for field in LISTED)).where(
            Email.workspace_id == self.workspace_id
        )
        for field in ("status", "kind", "contact_id", "business_id", "run_id", "workflow_id", "sender_id"):
            if filters.get(field) is not None:
                query = query.where(getattr(Email, field) == filters[field])
        if words := filters.get("q"):
            query = query.where(
                or_(
                    Email.to_address.icontains(words, autoescape=True),
                    Email.subject.icontains(words, autoescape=True),
                )
            )
        return query

    def find(self, id: UUID) -> Any | None:
        """One email with the names of what it refers to."""
        more = ("send_key", "message_id", "on_unknown", "priority", "first_tried_at", "resend_of", "visit")
        query = (
            select(
                *(getattr(Email, field) for field in (*LISTED, *more)),
                Sender.name.label("sender_name"),
                Sender.address.label("sender_address"),
                Workflow.name.label("workflow_name"),
                EmailTemplate.id.label("template_id"),
                EmailTemplate.name.label("template_name"),
                EmailTemplateVersion.number.label("template_number"),
            )
            .outerjoin(Sender, (Sender.workspace_id == Email.workspace_id) & (Sender.id == Email.sender_id))
            .outerjoin(
                Workflow, (Workflow.workspace_id == Email.workspace_id) & (Workflow.id == Email.workflow_id)
            )
            .outerjoin(
                EmailTemplateVersion,
                (EmailTemplateVersion.workspace_id == Email.workspace_id)
                & (EmailTemplateVersion.id == Email.template_version_id),
            )
            .outerjoin(
                EmailTemplate,
                (EmailTemplate.workspace_id == Email.workspace_id)
                & (EmailTemplate.id == EmailTemplateVersion.template_id),
            )
            .where(Email.workspace_id == self.workspace_id, Email.id == id)
        )
        return self.session.execute(query).one_or_none()

    def attempts(self, id: UUID) -> list[Any]:
        """Every try, the first one first."""
        table = EmailAttempt
        query = select(
            table.n, table.marked_at, table.finished_at, table.outcome, table.code, table.reply
        ).where(table.workspace_id == self.workspace_id, table.email_id == id)
        return list(self.session.execute(query.order_by(table.n)))

    def settle(self, id: UUID, as_: str) -> None:
        """A person says what became of an unknown email: accepted, rejected, skipped, or send it again.

        Raises Conflict if its fate is known.
        """
        if as_ == "resend":
            done = resend(self.services, self.workspace_id, id)
        else:
            status = SETTLED[as_]
            row = self.session.execute(
                SETTLE,
                {
                    "status": status.value,
                    "reason": "Settled by a person",
                    "workspace": self.workspace_id,
                    "id": id,
                },
            ).one_or_none()
            done = row is not None
            if row is not None and row.run_id is not None:
                told = stimulus(
                    self.workspace_id, id, row.run_id, row.node, row.visit, status, "settled by a person"
                )
                add_stimuli(self.services, [told])
                self.services.nudge("advance")
        if not done:
            raise Conflict("The fate of this email is known.", code="NOT_UNKNOWN")
