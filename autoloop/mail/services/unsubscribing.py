"""Unsubscribing by the link in an email: one click, effective on all mail that is not on its way yet."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from autoloop.base.events import Event, emit
from autoloop.base.services import Service
from autoloop.mail.models import Email, Sender
from autoloop.mail.services.suppressions import Suppressions
from autoloop.workspaces.models import Workspace

__all__ = ["Subscription", "Unsubscribing"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """What an unsubscribe link is about: who sent it, to whom, and whether that person has left already."""

    workspace_id: UUID
    email_id: UUID
    contact_id: UUID | None
    address: str
    sender: str
    left: bool


class Unsubscribing(Service):
    """Reads links and acts on them. Nobody is signed in here."""

    def find(self, workspace_id: UUID, email_id: UUID) -> Subscription | None:
        """What the link of an email is about. Enters the workspace."""
        self.services.enter(workspace_id)
        email = self.session.get(Email, (workspace_id, email_id))
        if email is None or not email.to_address:
            return None
        sender = self.session.get(Sender, (workspace_id, email.sender_id)) if email.sender_id else None
        workspace = self.session.scalar(select(Workspace.name).where(Workspace.id == workspace_id))
        left = "unsubscribed" in self.services(Suppressions).of_address(email.to_address)
        return Subscription(
            workspace_id,
            email_id,
            email.contact_id,
            email.to_address,
            (sender.name if sender else "") or workspace or "",
            left,
        )

    def unsubscribe(self, found: Subscription) -> None:
        """No more marketing mail to this address, from this commit on. Repeating it changes nothing.

        Routing marks the contact and wakes what waits for the event; the suppression is what delivery
        looks at, so it is written here and now.
        """
        self.services(Suppressions).suppress(found.address, "unsubscribed", email_id=found.email_id)
        email = self.session.get_one(Email, (found.workspace_id, found.email_id))
        data = {"email_id": str(email.id), "node": email.node}
        for field in ("run_id", "workflow_id"):
            value = getattr(email, field)
            data[field] = str(value) if value else None
        event = Event(
            found.workspace_id,
            "email.unsubscribed",
            found.contact_id,
            data,
            source="unsubscribe",
            source_id=str(found.email_id),
        )
        emit(self.services, [event])
        self.services.nudge("route")
