"""Tables of mail."""

from autoloop.mail.models.domains import DkimKey, SendingDomain
from autoloop.mail.models.emails import TRANSITIONS, Email, EmailAttempt, Kind, Status
from autoloop.mail.models.files import TemplateFile
from autoloop.mail.models.limits import LimitDay, MailBucket, MailLimit, MailSlowing
from autoloop.mail.models.mailbox import MailboxMessage
from autoloop.mail.models.senders import ProviderAccount, ProviderRule, Sender, SenderDay, SenderMishap
from autoloop.mail.models.suppressions import REASONS, InstanceSuppression, Suppression
from autoloop.mail.models.templates import RULES, SOURCE_KINDS, EmailTemplate, EmailTemplateVersion
from autoloop.mail.models.touches import EmailTouch

__all__ = [
    "REASONS",
    "RULES",
    "SOURCE_KINDS",
    "TRANSITIONS",
    "DkimKey",
    "Email",
    "EmailAttempt",
    "EmailTemplate",
    "EmailTemplateVersion",
    "EmailTouch",
    "InstanceSuppression",
    "Kind",
    "LimitDay",
    "MailBucket",
    "MailLimit",
    "MailSlowing",
    "MailboxMessage",
    "ProviderAccount",
    "ProviderRule",
    "Sender",
    "SenderDay",
    "SenderMishap",
    "SendingDomain",
    "Status",
    "Suppression",
    "TemplateFile",
]
