"""SendGrid: through its v3 API, with what became of the mail coming back through its Event Webhook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import colander

from autoloop.plugins.email import Account, EmailProvider, Idempotency, ProviderServices
from autoloop.plugins.email_events import (
    IncomingCall,
    ProviderEvent,
    Unreadable,
    Unverified,
    read_json,
)
from autoloop_plugins.email.sendgrid.channel import SendgridChannel
from autoloop_plugins.email.sendgrid.events import events_of
from autoloop_plugins.email.sendgrid.signature import SIGNATURE, TIMESTAMP, public_key, signed

__all__ = ["SendgridProvider"]


def _is_key(node: colander.SchemaNode, value: str) -> None:
    try:
        public_key(value)
    except ValueError as error:
        raise colander.Invalid(node, str(error)) from None


class SendgridProvider(EmailProvider):
    """Twilio SendGrid. An event that comes back names the email by a custom argument."""

    name: ClassVar[str] = "sendgrid"
    title: ClassVar[str] = "SendGrid"
    idempotency: ClassVar[Idempotency] = Idempotency.EVENTS
    hosts: ClassVar[Mapping[str, str]] = {
        "global": "https://api.sendgrid.com",
        "eu": "https://api.eu.sendgrid.com",
    }

    class Config(colander.MappingSchema):
        api_key = colander.SchemaNode(
            colander.String(),
            title="API key",
            validator=colander.Regex(r"[A-Za-z0-9._-]{1,200}\Z"),
            secret=True,
            description="With the right “Mail Send”.",
        )
        region = colander.SchemaNode(
            colander.String(),
            title="Region",
            missing="global",
            default="global",
            validator=colander.OneOf(["global", "eu"]),
        )
        verification_key = colander.SchemaNode(
            colander.String(),
            title="Verification key of the Event Webhook",
            missing="",
            validator=_is_key,
            description="Shown where the Signed Event Webhook is switched on. Without it, events are not taken.",
        )

    def open(self, account: Account, services: ProviderServices) -> SendgridChannel:
        return SendgridChannel(account, services, self.hosts[account.config["region"]])

    def takes_events(self, account: Account) -> bool:
        return bool(account.config["verification_key"])

    def receive(
        self, account: Account, services: ProviderServices, call: IncomingCall
    ) -> Sequence[ProviderEvent]:
        stamp, signature = (call.headers.get(name.lower(), "") for name in (TIMESTAMP, SIGNATURE))
        if not signed(account.config["verification_key"], stamp, signature, call.body, call.now):
            raise Unverified("the signature is not right, or too old")
        given = read_json(call.body)
        if not isinstance(given, list):
            raise Unreadable("The body is no list of events.")
        return tuple(events_of(given))
