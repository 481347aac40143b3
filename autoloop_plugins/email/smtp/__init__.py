"""SMTP: through any mail server that takes submissions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import colander

from autoloop.plugins.email import (
    Account,
    EmailProvider,
    Idempotency,
    IncomingCall,
    ProviderEvent,
    ProviderServices,
    Unverified,
)
from autoloop_plugins.email.proofs import password_of, same
from autoloop_plugins.email.smtp.channel import SmtpChannel
from autoloop_plugins.email.smtp.connection import Target, is_loopback
from autoloop_plugins.email.smtp.reports import read_report

__all__ = ["SmtpProvider"]


class SmtpProvider(EmailProvider):
    """A mail server reached by SMTP, with TLS unless it is on this machine.

    A mail server has no webhook: the mailbox that bounces go to pipes them here, each mail as it is.
    """

    name: ClassVar[str] = "smtp"
    title: ClassVar[str] = "SMTP server"
    idempotency: ClassVar[Idempotency] = Idempotency.NONE

    class Config(colander.MappingSchema):
        host = colander.SchemaNode(
            colander.String(),
            title="Server",
            validator=colander.Regex(
                r"[^\s\x00-\x20\x7f-\x9f/@,;\u200e-\u202e\u2066-\u2069\ufeff]{1,253}\Z",
                msg="must be the name of a host",
            ),
        )
        port = colander.SchemaNode(
            colander.Int(), title="Port", missing=587, default=587, validator=colander.Range(1, 65535)
        )
        security = colander.SchemaNode(
            colander.String(),
            title="Encryption",
            missing="starttls",
            default="starttls",
            validator=colander.OneOf(["starttls", "tls", "none"]),
            description="“none” is allowed for a server on this machine, or without a password.",
        )
        username = colander.SchemaNode(colander.String(), title="User name", missing="")
        password = colander.SchemaNode(colander.String(), title="Password", missing="", secret=True)
        connections = colander.SchemaNode(
            colander.Int(),
            title="Connections",
            missing=8,
            default=8,
            validator=colander.Range(1, 32),
            description="How many connections one sending process may hold open.",
        )
        greeting_name = colander.SchemaNode(
            colander.String(),
            title="Name in the greeting",
            missing="localhost",
            default="localhost",
            validator=colander.Regex(r"[A-Za-z0-9.:\[\]-]{1,253}\Z"),
            description="What EHLO says; some servers want your public host name.",
        )
        ca_certificate = colander.SchemaNode(
            colander.String(),
            title="Certificate authority",
            missing="",
            description="PEM text, for a server with a private certificate.",
            ui={"widget": "textarea"},
        )
        report_token = colander.SchemaNode(
            colander.String(),
            title="Token for bounces",
            missing="",
            validator=colander.Length(max=200),
            secret=True,
            description="What your mail server proves itself with when it posts bounces. Without it, none are taken.",
        )

        def validator(self, node: colander.SchemaNode, value: dict[str, object]) -> None:
            if value["security"] == "none" and value["password"] and not is_loopback(str(value["host"])):
                error = colander.Invalid(node)
                error["security"] = "A password is never sent without encryption."
                raise error

    def open(self, account: Account, services: ProviderServices) -> SmtpChannel:
        return SmtpChannel(Target.of(account.config), width=int(account.config["connections"]))

    def takes_events(self, account: Account) -> bool:
        return bool(account.config["report_token"])

    def receive(
        self, account: Account, services: ProviderServices, call: IncomingCall
    ) -> Sequence[ProviderEvent]:
        given = call.headers.get("authorization", "")
        scheme, _, token = given.partition(" ")
        proof = token.strip() if scheme.lower() == "bearer" else password_of(given)
        if not proof or not same(proof, account.config["report_token"]):
            raise Unverified("its token is not right")
        return read_report(call.body)
