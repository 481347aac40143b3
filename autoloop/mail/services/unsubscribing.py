"""Unsubscribing by the link in an email: one click, effective on all mail that is not on its way yet."""

from __future__ import annotations

from autoloop.base.events import Event, emit
from autoloop.base.services import Service
from autoloop.mail.models import Email, EmailTemplateVersion
from autoloop.mail.services.suppressions import Suppressions

__all__ = ["Unsubscribing"]


class Unsubscribing(Service):
    """Acts on links. Nobody is signed in here."""

    def unsubscribe(self, email: Email) -> None:
        """No more marketing mail to this email's address, from this commit on. Repeating it changes nothing.

        Routing marks the contact and wakes what waits for the event; the suppression is what delivery
        looks at, so it is written here and now.
        """
        row = self.services(Suppressions).suppress(email.to_address, "unsubscribed", email_id=email.id)
        data = {"email_id": str(email.id), "node": email.node}
        for field in ("run_id", "workflow_id"):
            value = getattr(email, field)
            data[field] = str(value) if value else None
        made_of = (email.workspace_id, email.template_version_id)
        version = self.session.get(EmailTemplateVersion, made_of) if email.template_version_id else None
        if version is not None:
            data["template_id"] = str(version.template_id)
        event = Event(
            email.workspace_id,
            "email.unsubscribed",
            email.contact_id,
            data,
            source="unsubscribe",
            source_id=str(row.id),  # who came back and leaves again is heard again
        )
        emit(self.services, [event])
        self.services.nudge("route")
