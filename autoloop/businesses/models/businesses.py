"""The table of businesses: companies one wants to do business with."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Computed, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, deferred, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped
from autoloop.businesses.models.columns import empty_text, one_of, searchable, words

__all__ = ["BUSINESS_STATUSES", "Business"]

BUSINESS_STATUSES = ("lead", "active", "customer", "inactive", "archived")

SEARCHED = searchable("name || ' ' || domain || ' ' || coalesce(email, '') || ' ' || city")


class Business(InWorkspace, Stamped, Base):
    """A company. Known by `external_id`; without one by domain and name, both in lower case.

    `domain` is kept in lower case and `name_key` is made from the name, because the index of an
    expression like lower(name) cannot be used under row-level security: lower() is not leak-proof.
    """

    __tablename__ = "businesses"
    __table_args__ = (
        Index(
            "uq_businesses_workspace_id_external_id",
            "workspace_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id is not null"),
        ),
        Index(
            "uq_businesses_workspace_id_domain_name_key",
            "workspace_id",
            "domain",
            "name_key",
            unique=True,
            postgresql_where=text("external_id is null"),
        ),
        Index("idx_businesses_workspace_id_name_key_domain", "workspace_id", "name_key", "domain"),
        Index("idx_businesses_workspace_id_name_id", "workspace_id", "name", "id"),
        Index("idx_businesses_workspace_id_status_id", "workspace_id", "status", "id"),
        Index("idx_businesses_user_id", "user_id"),
        Index("idx_businesses_email", "email"),
        Index("idx_businesses_status", "status"),
        Index("idx_businesses_created_at", "created_at"),
        Index("idx_businesses_tags", "tags", postgresql_using="gin"),
        Index(
            "idx_businesses_fields",
            "fields",
            postgresql_using="gin",
            postgresql_ops={"fields": "jsonb_path_ops"},
        ),
        Index("idx_businesses_tsv", "tsv", postgresql_using="gin"),
        one_of("status", BUSINESS_STATUSES),
    )

    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(Computed("lower(name)", persisted=True))
    domain: Mapped[str] = empty_text()
    external_id: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str] = empty_text()
    website: Mapped[str] = empty_text()
    city: Mapped[str] = empty_text()
    country: Mapped[str] = empty_text()
    timezone: Mapped[str] = empty_text()
    status: Mapped[str] = mapped_column(default="lead", server_default="lead")
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    tags: Mapped[list[str]] = words()
    tsv: Mapped[str] = deferred(mapped_column(TSVECTOR, Computed(SEARCHED, persisted=True)), raiseload=True)
