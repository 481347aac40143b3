"""The table of what people said about their mail, each time they did."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace
from autoloop.businesses.models.columns import empty_text, one_of

__all__ = ["SAID_ABOUT", "ConsentChange"]

SAID_ABOUT = ("marketing", "tracking", "unsubscribe", "topic", "pace", "language", "pause")


class ConsentChange(InWorkspace, Base):
    """One thing that was said. Rows are added by triggers on contacts, and never changed.

    `contact_id` carries no foreign key: once the contact is erased it is null, and `address_hash`
    (as suppressions have it) alone tells whose it was. `subject` is the topic's key.
    """

    __tablename__ = "consent_changes"
    __table_args__ = (
        Index("idx_consent_changes_workspace_id_contact_id_id", "workspace_id", "contact_id", "id"),
        Index("idx_consent_changes_user_id", "user_id"),
        one_of("what", SAID_ABOUT),
    )

    contact_id: Mapped[UUID | None]
    address_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    what: Mapped[str]
    subject: Mapped[str] = empty_text()
    before: Mapped[str | None]
    after: Mapped[str | None]
    source: Mapped[str] = empty_text()
    ip_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
