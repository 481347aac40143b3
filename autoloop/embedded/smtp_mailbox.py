"""From the SMTP sink into a workspace's mailbox, so that the demo's mail can be read in the dashboard."""

from __future__ import annotations

import queue
import threading
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from autoloop.base.db import engine_for
from autoloop.base.ids import new_id
from autoloop.embedded.smtp_sink import Captured
from autoloop.mail.models import MailboxMessage
from autoloop.mail.services.mailbox import subject_of

__all__ = ["Forward"]

BATCH = 200


class Forward:
    """Puts captured mail into the mailbox, in batches on a thread of its own: SMTP never waits for it.

    `url` is the database as the role autoloop_worker. The mailbox keeps one message per Message-ID; who
    wants to know of doubles reads the sink's journal.
    """

    def __init__(self, url: str, workspace_id: UUID) -> None:
        self._engine = engine_for(url, pool_size=1, max_overflow=0)
        self._workspace_id = workspace_id
        self._waiting: queue.SimpleQueue[Captured | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="smtp-mailbox", daemon=True)
        self._thread.start()

    def __call__(self, mail: Captured) -> None:
        self._waiting.put(mail)

    def close(self) -> None:
        """Store what is left, then stop."""
        self._waiting.put(None)
        self._thread.join(30)
        self._engine.dispose()

    def _run(self) -> None:
        going = True
        while going:
            batch = [self._waiting.get()]
            while len(batch) < BATCH and not self._waiting.empty():
                batch.append(self._waiting.get())
            mails = [mail for mail in batch if mail is not None]
            going = len(mails) == len(batch)
            if mails:
                self._store(mails)

    def _store(self, mails: list[Captured]) -> None:
        rows = [
            {
                "workspace_id": self._workspace_id,
                "id": new_id(),
                "key": key_of(mail.message_id),
                "message_id": mail.message_id,
                "sender": mail.sender,
                "recipient": mail.recipient,
                "subject": subject_of(mail.data),
                "size": len(mail.data),
                "raw": mail.data,
            }
            for mail in mails
        ]
        statement = insert(MailboxMessage).on_conflict_do_nothing(index_elements=["workspace_id", "key"])
        with self._engine.begin() as connection:
            connection.execute(statement, rows)


def key_of(message_id: str) -> str:
    """The same key that the mailbox provider uses: the email's id, which its Message-ID begins with."""
    return message_id.strip("<>").partition("@")[0] or str(new_id())
