"""The table of invitations."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped

__all__ = ["Invitation"]


class Invitation(InWorkspace, Stamped, Base):
    """A role that waits for who has the link and the address. It is open until accepted or revoked."""

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("role in ('viewer', 'editor', 'admin', 'owner')", name="role"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        Index(
            "idx_invitations_open",
            "workspace_id",
            "email",
            unique=True,
            postgresql_where=text("accepted_at is null and revoked_at is null"),
        ),
        Index("idx_invitations_token_hash", "workspace_id", "token_hash", unique=True),
        Index("idx_invitations_invited_by", "invited_by"),
    )

    email: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[bytes]
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
