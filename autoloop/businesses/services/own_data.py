"""What is kept of a person, for the person: the exporter "contact"."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from autoloop.base.services import Services
from autoloop.businesses.models import Business, Contact

__all__ = ["export_contact"]

TOLD = (
    "id",
    "email",
    "external_id",
    "first_name",
    "last_name",
    "title",
    "phone",
    "timezone",
    "locale",
    "status",
    "topics",
    "tags",
    "fields",
    "mail_pace_days",
    "mail_paused_until",
    "created_at",
    "updated_at",
)


def export_contact(services: Services, contact_id: UUID) -> dict[str, Any]:
    """The contact's own fields, its consent, and which business it belongs to."""
    row = services.session.get(Contact, (services.workspace_id, contact_id))
    if row is None:
        return {}
    business = row.business_id and services.session.get(Business, (services.workspace_id, row.business_id))
    consent = {"marketing": row.consent_marketing, "at": row.consent_at, "source": row.consent_source}
    consent["tracking"] = row.consent_tracking
    told = {name: getattr(row, name) for name in TOLD}
    return told | {
        "consent": consent,
        "business": {"name": business.name, "domain": business.domain} if business else None,
    }
