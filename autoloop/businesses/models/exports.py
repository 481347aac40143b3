"""The table of exports: who took which records out, when."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped
from autoloop.businesses.models.columns import one_of

__all__ = ["EXPORT_KINDS", "Export"]

EXPORT_KINDS = ("contacts", "businesses")


class Export(InWorkspace, Stamped, Base):
    """What to write into a CSV file. The file itself is made while it is downloaded, never kept."""

    __tablename__ = "exports"
    __table_args__ = (one_of("kind", EXPORT_KINDS),)

    kind: Mapped[str]
    filters: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    options: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    downloaded_at: Mapped[datetime | None]
