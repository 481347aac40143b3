"""The mailbox: where captured mail is kept and read."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.mail.models import MailboxMessage
from autoloop.plugins.email import Message

__all__ = ["WorkspaceMailbox"]


@dataclass(frozen=True, slots=True)
class WorkspaceMailbox:
    """One workspace's mailbox, as providers see it. Each store is a transaction of its own."""

    runtime: Runtime
    workspace_id: UUID

    def store(self, messages: Iterable[Message]) -> None:
        """Keep messages; one whose key is there already stays as it is."""
        rows = [
            {
                "workspace_id": self.workspace_id,
                "id": new_id(),
                "key": message.key,
                "message_id": message.message_id,
                "sender": message.sender,
                "recipient": message.recipient,
                "subject": subject_of(message.data),
                "size": len(message.data),
                "raw": message.data,
            }
            for message in messages
        ]
        if not rows:
            return
        with self.runtime.unit("worker") as services:
            services.session.execute(
                insert(MailboxMessage).on_conflict_do_nothing(index_elements=["workspace_id", "key"]), rows
            )


def subject_of(data: bytes) -> str:
    """The Subject, decoded, for the list."""
    head = email.message_from_bytes(data.partition(b"\r\n\r\n")[0], policy=email.policy.default)
    try:
        return str(head["Subject"] or "").replace("\x00", "")[:500]
    except (ValueError, IndexError, LookupError):
        return ""
