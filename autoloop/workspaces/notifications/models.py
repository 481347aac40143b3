"""The table of notifications: one row for each member told."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, tenant_fk

__all__ = ["Notification"]


class Notification(InWorkspace, Base):
    """Something one member was told. `mailed` says that an email went out too.

    What has a `key` is told to each member once. `said` is title and body as they are said in the reader's
    language ({"title", "body"}, see `base.i18n.kept`); null where they are somebody's own words.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "user_id"], ["members.workspace_id", "members.user_id"], ondelete="CASCADE"
        ),
        tenant_fk("contact_id", "business_contacts", "SET NULL"),
        Index("idx_notifications_user_id_id", "workspace_id", "user_id", "id"),
        Index(
            "idx_notifications_unread",
            "workspace_id",
            "user_id",
            postgresql_where=text("read_at is null"),
        ),
        Index("idx_notifications_contact_id", "workspace_id", "contact_id"),
        Index(
            "idx_notifications_key",
            "workspace_id",
            "user_id",
            "key",
            unique=True,
            postgresql_where=text("key is not null"),
        ),
        Index("idx_notifications_read_at", "read_at", postgresql_where=text("read_at is not null")),
    )

    user_id: Mapped[UUID]
    title: Mapped[str]
    body: Mapped[str] = mapped_column(server_default="")
    said: Mapped[dict[str, Any] | None]
    contact_id: Mapped[UUID | None]
    mailed: Mapped[bool] = mapped_column(server_default="false")
    read_at: Mapped[datetime | None]
    key: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
