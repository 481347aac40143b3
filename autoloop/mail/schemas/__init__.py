"""Shapes of mail, in and out."""

from __future__ import annotations

from autoloop.mail.schemas.accounts import AccountOut, ChangeAccount, CreateAccount, ProviderKindOut
from autoloop.mail.schemas.domains import CreateDomain, DomainOut, KeyOut, NewKey
from autoloop.mail.schemas.emails import EmailOut, EmailRowOut, EmailsQuery, SendTest, Settle
from autoloop.mail.schemas.mailbox import MailboxOut, MailboxRowOut
from autoloop.mail.schemas.rules import RuleOut, SetRules
from autoloop.mail.schemas.senders import ChangeSender, CreateSender, SenderHealthOut, SenderOut
from autoloop.mail.schemas.suppressions import (
    AddSuppression,
    InstanceSuppressionOut,
    SuppressionOut,
    SuppressionsImportOut,
    SuppressionsQuery,
)
from autoloop.mail.schemas.unknowns import (
    ON_UNKNOWN,
    SettledOut,
    SettleMany,
    UnknownOut,
    UnknownsFilter,
    UnknownsQuery,
)

__all__ = [
    "ON_UNKNOWN",
    "AccountOut",
    "AddSuppression",
    "ChangeAccount",
    "ChangeSender",
    "CreateAccount",
    "CreateDomain",
    "CreateSender",
    "DomainOut",
    "EmailOut",
    "EmailRowOut",
    "EmailsQuery",
    "InstanceSuppressionOut",
    "KeyOut",
    "MailboxOut",
    "MailboxRowOut",
    "NewKey",
    "ProviderKindOut",
    "RuleOut",
    "SendTest",
    "SenderHealthOut",
    "SenderOut",
    "SetRules",
    "Settle",
    "SettleMany",
    "SettledOut",
    "SuppressionOut",
    "SuppressionsImportOut",
    "SuppressionsQuery",
    "UnknownOut",
    "UnknownsFilter",
    "UnknownsQuery",
]
