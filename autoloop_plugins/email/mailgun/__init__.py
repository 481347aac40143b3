"""Mailgun: our own MIME through its API, with what became of the mail coming back through webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import colander
import httpx

from autoloop.plugins.email import (
    Account,
    EmailProvider,
    Idempotency,
    IncomingCall,
    Message,
    ProviderEvent,
    ProviderServices,
    Reply,
)
from autoloop_plugins.email.answers import of_status
from autoloop_plugins.email.mailgun.events import KEY, events_of
from autoloop_plugins.email.over_http import HttpChannel

__all__ = ["MailgunChannel", "MailgunProvider"]

SECONDS = 30.0


class MailgunProvider(EmailProvider):
    """Mailgun by Sinch. It has no key that makes a second call harmless: an event settles what is unknown."""

    name: ClassVar[str] = "mailgun"
    title: ClassVar[str] = "Mailgun"
    idempotency: ClassVar[Idempotency] = Idempotency.EVENTS
    hosts: ClassVar[Mapping[str, str]] = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}

    class Config(colander.MappingSchema):
        domain = colander.SchemaNode(
            colander.String(),
            title="Sending domain",
            validator=colander.Regex(r"[A-Za-z0-9.-]{1,253}\Z"),
            description="As Mailgun shows it, like mg.example.com.",
        )
        api_key = colander.SchemaNode(
            colander.String(),
            title="API key",
            validator=colander.Regex(r"[\x21-\x7e]{1,200}\Z"),
            secret=True,
            description="A sending key of the domain is enough.",
        )
        region = colander.SchemaNode(
            colander.String(),
            title="Region",
            missing="us",
            default="us",
            validator=colander.OneOf(["us", "eu"]),
        )
        webhook_signing_key = colander.SchemaNode(
            colander.String(),
            title="HTTP webhook signing key",
            missing="",
            validator=colander.Length(max=200),
            secret=True,
            description="Shown under API security. Without it, events are not taken.",
        )

    def open(self, account: Account, services: ProviderServices) -> MailgunChannel:
        return MailgunChannel(account, services, self.hosts[account.config["region"]])

    def takes_events(self, account: Account) -> bool:
        return bool(account.config["webhook_signing_key"])

    def receive(
        self, account: Account, services: ProviderServices, call: IncomingCall
    ) -> Sequence[ProviderEvent]:
        return events_of(account.config["webhook_signing_key"], call)


class MailgunChannel(HttpChannel):
    """One domain of Mailgun. The message arrives as we wrote it, our own DKIM signature included."""

    def __init__(self, account: Account, services: ProviderServices, host: str) -> None:
        super().__init__(services)
        self._address = f"{host}/v3/{account.config['domain']}/messages.mime"
        self._auth = httpx.BasicAuth("api", account.config["api_key"])

    def deliver(self, message: Message) -> Reply:
        # AutoLoop's own links and pixel tell who opened what, where the person agreed to it.
        fields = {"to": message.recipient, "o:tracking": "no", f"v:{KEY}": message.key}
        files = {"message": ("message.eml", message.data, "message/rfc822")}
        answer = self.http.post(self._address, data=fields, files=files, auth=self._auth, timeout=SECONDS)
        said, id = _read(answer)
        return of_status(answer, said, id)


def _read(answer: httpx.Response) -> tuple[str, str | None]:
    """{"id": "<…>", "message": "Queued. Thank you."}"""
    try:
        body = answer.json()
        said, id = body.get("message"), body.get("id")
    except (ValueError, AttributeError):
        said = id = None
    text = said[:500] if isinstance(said, str) else f"Mailgun answered {answer.status_code}"
    return text, id.strip("<>")[:300] if isinstance(id, str) else None
