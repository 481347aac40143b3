"""Whom a preview is for: a real contact with all that mail knows of it, or a sample."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from autoloop.base.errors import Invalid
from autoloop.base.services import Service
from autoloop.businesses.models import Contact
from autoloop.businesses.services.facts import load_contacts
from autoloop.mail.models import Sender
from autoloop.workspaces.services import Workspaces

__all__ = ["SAMPLE", "People"]

SAMPLE: dict[str, Any] = {
    "contact": {
        "id": "00000000-0000-7000-8000-000000000001",
        "email": "ada@lovelace.example",
        "external_id": "",
        "name": "Ada Lovelace",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "title": "Head of Analysis",
        "phone": "+44 20 7946 0018",
        "timezone": "Europe/London",
        "locale": "en",
        "status": "active",
        "consent": {"marketing": "granted", "at": None, "source": ""},
        "topics": [],
        "tags": [],
        "fields": {},
        "created_at": "2026-01-05T09:00:00+00:00",
    },
    "business": {
        "id": "00000000-0000-7000-8000-000000000002",
        "name": "Analytical Engines",
        "domain": "lovelace.example",
        "external_id": "",
        "email": "office@lovelace.example",
        "phone": "+44 20 7946 0017",
        "website": "https://lovelace.example",
        "city": "London",
        "country": "GB",
        "timezone": "Europe/London",
        "status": "active",
        "tags": [],
        "fields": {},
        "created_at": "2026-01-05T09:00:00+00:00",
    },
}
SAMPLE_SENDER = {"name": "Grace Hopper", "address": "grace@example.com", "reply_to": None}


class People(Service):
    """Contexts for previews, shaped as those of real sends."""

    def context(self, contact_id: UUID | None) -> dict[str, Any]:
        """contact, business, sender, workspace, event and run, as plain data.

        :raises Invalid: if there is no such contact here.
        """
        facts: dict[str, Any] = SAMPLE
        if contact_id is not None:
            found = load_contacts(self.services, [(self.workspace_id, contact_id)])
            if contact_id not in found:
                raise Invalid(details={"contact_id": ["There is no such contact."]})
            facts = found[contact_id]
        workspace = self.services(Workspaces).current()
        sender = self.session.scalars(
            select(Sender)
            .where(Sender.workspace_id == self.workspace_id)
            .order_by(Sender.is_default.desc(), Sender.id)
            .limit(1)
        ).first()
        return {
            "contact": facts["contact"],
            "business": facts["business"],
            "sender": SAMPLE_SENDER
            if sender is None and contact_id is None
            else {key: getattr(sender, key, None) for key in ("name", "address", "reply_to")},
            "workspace": {"name": workspace.name, "postal_address": workspace.postal_address},
            "event": {},
            "run": {},
        }

    def choices(self) -> list[tuple[str, str]]:
        """The newest contacts, for a choice: id and name."""
        rows = self.session.execute(
            select(Contact.id, Contact.email, Contact.first_name, Contact.last_name)
            .where(Contact.workspace_id == self.workspace_id)
            .order_by(Contact.id.desc())
            .limit(50)
        )
        return [
            (str(row.id), f"{row.first_name} {row.last_name}".strip() or row.email or str(row.id))
            for row in rows
        ]
