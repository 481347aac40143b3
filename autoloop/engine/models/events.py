"""The inbox: what happened to contacts, waiting to be routed, then kept as history."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, func, text
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, tenant_fk

__all__ = ["EventKey", "EventRow"]


class EventRow(InWorkspace, Base):
    """One event. `pending` until routing has matched it with waits and triggers."""

    __tablename__ = "events"
    __table_args__ = (
        tenant_fk("contact_id", "business_contacts"),
        Index("idx_events_pending", "workspace_id", "id", postgresql_where=text("pending")),
        Index("idx_events_contact_id_name", "workspace_id", "contact_id", "name", "id"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    name: Mapped[str]
    contact_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    source: Mapped[str] = mapped_column(server_default="autoloop")
    source_id: Mapped[str | None]
    pending: Mapped[bool] = mapped_column(server_default=text("true"))
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    chain: Mapped[int] = mapped_column(SmallInteger, server_default="0")


class EventKey(Base):
    """Ids of a source's events, kept 90 days: a second event of the same id is dropped."""

    __tablename__ = "event_keys"
    __table_args__ = (Index(None, "received_at"),)

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    source: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[UUID]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
