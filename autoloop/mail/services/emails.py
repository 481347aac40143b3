"""The email log: what was sent to whom, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select

from autoloop.base.services import Service
from autoloop.engine.models import Workflow
from autoloop.mail.models import Email, EmailAttempt, EmailTemplate, EmailTemplateVersion, Sender

__all__ = ["Emails"]

LISTED = (
    *("id", "kind", "status", "hold_reason", "reason", "to_address", "to_name", "subject", "run_id", "node"),
    *("workflow_id", "contact_id", "business_id", "sender_id", "attempts", "due_at", "sent_at", "settled_at"),
    *("created_at", "updated_at"),
)


class Emails(Service):
    """Reads the log. Delivery is what writes it, but for what a person settles (`unknowns`)."""

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
        more = (
            *("topic", "send_key", "message_id", "on_unknown", "priority", "first_tried_at", "resend_of"),
            *("visit", "is_tracked", "template_version_id"),
        )
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
