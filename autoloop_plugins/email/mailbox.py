"""The local mailbox: captures mail so that it can be read in the dashboard and goes nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import ClassVar

from autoloop.plugins.email import (
    Account,
    Channel,
    EmailProvider,
    Fate,
    Idempotency,
    Mailbox,
    Message,
    ProviderServices,
    Refused,
    Reply,
    Staged,
)

__all__ = ["MailboxChannel", "MailboxProvider"]


class MailboxChannel(Channel):
    """Stores whole groups at once. The key makes a repeated store harmless."""

    width = 100

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    def stage(self, messages: Sequence[Message]) -> Sequence[Staged | Refused]:
        return [Staged(message) for message in messages]

    def transmit(self, staged: Staged) -> Reply:
        return next(reply for _, reply in self.transmit_all([staged]))

    def transmit_all(self, group: Sequence[Staged]) -> Iterator[tuple[Staged, Reply]]:
        try:
            self._mailbox.store([staged.message for staged in group])
        except Exception as error:
            # The store may have been committed before the connection broke.
            reply = Reply(Fate.UNKNOWN, text=f"The mailbox did not answer: {type(error).__name__}")
            yield from ((staged, reply) for staged in group)
            return
        for staged in group:
            yield staged, Reply(Fate.ACCEPTED, 250, "Kept in the mailbox", provider_id=staged.message.key)

    def abandon(self, staged: Staged) -> None:
        """Nothing was begun."""


class MailboxProvider(EmailProvider):
    """Keeps every message in AutoLoop's own mailbox."""

    name: ClassVar[str] = "mailbox"
    title: ClassVar[str] = "Mailbox (captures mail, sends nothing)"
    idempotency: ClassVar[Idempotency] = Idempotency.KEY
    key_lasts: ClassVar[timedelta] = timedelta.max

    def open(self, account: Account, services: ProviderServices) -> MailboxChannel:
        return MailboxChannel(services.mailbox)
