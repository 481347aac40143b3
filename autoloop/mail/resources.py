"""Places of mail in the tree: emails, mailbox, senders, provider accounts, suppressions."""

from __future__ import annotations

from typing import Any, ClassVar

from pyramid.authorization import Allow, Everyone

from autoloop.mail.services.accounts import ProviderAccounts
from autoloop.mail.services.domains import Domains as DomainService
from autoloop.mail.services.emails import Emails as EmailService
from autoloop.mail.services.mailbox import Captured
from autoloop.mail.services.senders import Senders as SenderService
from autoloop.mail.services.suppressions import InstanceSuppressions as InstanceSuppressionService
from autoloop.mail.services.suppressions import Suppressions as SuppressionService
from autoloop.web.permissions import Permission
from autoloop.web.tree import Collection, Node, Row

__all__ = [
    "Admin",
    "CapturedMail",
    "Captures",
    "Connected",
    "Domain",
    "DomainKey",
    "DomainKeys",
    "Domains",
    "Email",
    "Emails",
    "InstanceSuppression",
    "InstanceSuppressions",
    "Provider",
    "ProviderRules",
    "Providers",
    "Sender",
    "Senders",
    "Suppression",
    "Suppressions",
    "UnknownEmails",
]


class Email(Row):
    """One email: what was meant, what was tried, what became of it."""

    def load(self) -> Any | None:
        return self.request.services(EmailService).find(self.id)


class Emails(Collection):
    """Every email of the workspace."""

    row_node = Email


class UnknownEmails(Node):
    """Emails whose fate nobody knows."""


class CapturedMail(Row):
    """One message in the mailbox."""

    def load(self) -> Any | None:
        return self.request.services(Captured).find(self.id)


class Captures(Collection):
    """The mailbox: mail that was captured instead of sent."""

    row_node = CapturedMail


class Sender(Row):
    """A From identity."""

    def load(self) -> Any | None:
        return self.request.services(SenderService).find(self.id)


class Senders(Collection):
    """The From identities of the workspace."""

    row_node = Sender


class DomainKey(Row):
    """One DKIM key of a domain."""

    def load(self) -> Any | None:
        keys = self.request.services(DomainService).keys(self.__parent__.__parent__.row.id)
        return next((key for key in keys if key.id == self.id), None)


class DomainKeys(Collection):
    """The keys of a domain."""

    row_node = DomainKey


class Domain(Row):
    """A domain that mail comes from."""

    def load(self) -> Any | None:
        return self.request.services(DomainService).find(self.id)


class Domains(Collection):
    """The sending domains of the workspace."""

    row_node = Domain


class Provider(Row):
    """A configured way out."""

    def load(self) -> Any | None:
        return self.request.services(ProviderAccounts).find(self.id)


class Connected(Node):
    """Where services send people back to who connected an account."""

    __acl__: ClassVar = [(Allow, Everyone, Permission.PUBLIC)]


class ProviderRules(Node):
    """Which account mail leaves through."""


class Providers(Collection):
    """The configured ways out."""

    row_node = Provider


class InstanceSuppression(Row):
    """An address or a domain that no workspace may mail."""

    def load(self) -> Any | None:
        return self.request.services(InstanceSuppressionService).find(self.id)


class InstanceSuppressions(Collection):
    """What no workspace of the installation may mail."""

    row_node = InstanceSuppression


class Admin(Node):
    """What concerns the whole installation; its administrators only, by the root's list."""


class Suppression(Row):
    """One reason not to mail one address."""

    def load(self) -> Any | None:
        return self.request.services(SuppressionService).find(self.id)


class Suppressions(Collection):
    """Addresses that must not be mailed."""

    row_node = Suppression
