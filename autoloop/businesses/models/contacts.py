"""Tables of contacts: people, and the ids they had before they were merged."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Computed, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, deferred, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped, tenant_fk
from autoloop.businesses.models.columns import empty_text, one_of, searchable, words

__all__ = ["CONSENTS", "CONTACT_STATUSES", "Contact", "ContactAlias"]

CONTACT_STATUSES = ("active", "unsubscribed", "bounced", "complained", "archived")
CONSENTS = ("unknown", "granted", "denied")

SEARCHED = searchable("first_name || ' ' || last_name || ' ' || email_normal || ' ' || title")


class Contact(InWorkspace, Stamped, Base):
    """A person. `email` is as given; `email_normal` is what is compared, and empty where there is none.

    `consent_marketing` says whether marketing mail is allowed, since when, and where that was said;
    `consent_tracking` whether opens and clicks of their mail may be recorded (the history knows since when).
    `topics` holds the keys of the topics the person subscribed to. `mail_pace_days` is how many days the
    person wants between two marketing mails (0: as they come); until `mail_paused_until` they want none.
    """

    __tablename__ = "business_contacts"
    __table_args__ = (
        Index(
            "uq_business_contacts_workspace_id_email_normal",
            "workspace_id",
            "email_normal",
            unique=True,
            postgresql_where=text("email_normal <> ''"),
        ),
        Index(
            "uq_business_contacts_workspace_id_external_id",
            "workspace_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id is not null"),
        ),
        Index("idx_business_contacts_workspace_id_email_normal_id", "workspace_id", "email_normal", "id"),
        Index("idx_business_contacts_workspace_id_last_name_id", "workspace_id", "last_name", "id"),
        Index("idx_business_contacts_workspace_id_business_id_id", "workspace_id", "business_id", "id"),
        Index("idx_business_contacts_workspace_id_status_id", "workspace_id", "status", "id"),
        Index("idx_business_contacts_user_id", "user_id"),
        Index("idx_business_contacts_tags", "tags", postgresql_using="gin"),
        Index("idx_business_contacts_topics", "topics", postgresql_using="gin"),
        Index(
            "idx_business_contacts_fields",
            "fields",
            postgresql_using="gin",
            postgresql_ops={"fields": "jsonb_path_ops"},
        ),
        Index("idx_business_contacts_tsv", "tsv", postgresql_using="gin"),
        one_of("status", CONTACT_STATUSES),
        one_of("consent_marketing", CONSENTS),
        one_of("consent_tracking", CONSENTS),
        tenant_fk("business_id", "businesses", ondelete="SET NULL"),
    )

    business_id: Mapped[UUID | None]
    email: Mapped[str | None]
    email_normal: Mapped[str] = empty_text()
    external_id: Mapped[str | None]
    first_name: Mapped[str] = empty_text()
    last_name: Mapped[str] = empty_text()
    title: Mapped[str] = empty_text()
    phone: Mapped[str] = empty_text()
    timezone: Mapped[str] = empty_text()
    locale: Mapped[str] = empty_text()
    status: Mapped[str] = mapped_column(default="active", server_default="active")
    consent_marketing: Mapped[str] = mapped_column(default="unknown", server_default="unknown")
    consent_tracking: Mapped[str] = mapped_column(default="unknown", server_default="unknown")
    consent_at: Mapped[datetime | None]
    consent_source: Mapped[str] = empty_text()
    topics: Mapped[list[str]] = words()
    tags: Mapped[list[str]] = words()
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    mail_pace_days: Mapped[int] = mapped_column(default=0, server_default="0")
    mail_paused_until: Mapped[datetime | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    tsv: Mapped[str] = deferred(mapped_column(TSVECTOR, Computed(SEARCHED, persisted=True)), raiseload=True)


class ContactAlias(InWorkspace, Base):
    """An id that a contact had before it was merged into an older one: it still leads there."""

    __tablename__ = "contact_aliases"
    __table_args__ = (
        Index("idx_contact_aliases_workspace_id_contact_id", "workspace_id", "contact_id"),
        tenant_fk("contact_id", "business_contacts"),
    )

    contact_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
