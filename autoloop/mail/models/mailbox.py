"""Captured mail."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped

__all__ = ["MailboxMessage"]


class MailboxMessage(InWorkspace, Stamped, Base):
    """A message that the mailbox provider kept instead of sending it. `key` makes a second store harmless."""

    __tablename__ = "mailbox_messages"
    __table_args__ = (Index("uq_mailbox_messages_workspace_id_key", "workspace_id", "key", unique=True),)

    key: Mapped[str]
    message_id: Mapped[str]
    sender: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str] = mapped_column(server_default="")
    size: Mapped[int]
    raw: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
