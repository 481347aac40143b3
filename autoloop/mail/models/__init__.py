"""Tables of mail."""

from autoloop.mail.models.emails import TRANSITIONS, Email, EmailAttempt, Kind, Status
from autoloop.mail.models.mailbox import MailboxMessage
from autoloop.mail.models.senders import ProviderAccount, Sender, SenderDay, SendingDomain
from autoloop.mail.models.suppressions import REASONS, Suppression

__all__ = [
    "REASONS",
    "TRANSITIONS",
    "Email",
    "EmailAttempt",
    "Kind",
    "MailboxMessage",
    "ProviderAccount",
    "Sender",
    "SenderDay",
    "SendingDomain",
    "Status",
    "Suppression",
]
