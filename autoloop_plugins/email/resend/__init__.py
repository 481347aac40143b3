"""Resend: through its JSON API with idempotency keys; what became of the mail comes back through webhooks."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, ClassVar

import colander
import httpx

from autoloop.plugins.email import (
    Account,
    EmailProvider,
    Fate,
    Idempotency,
    IncomingCall,
    Message,
    ProviderEvent,
    ProviderServices,
    Reply,
)
from autoloop_plugins.email.answers import of_status, seconds
from autoloop_plugins.email.over_http import HttpChannel
from autoloop_plugins.email.reading import CannotSayError, read
from autoloop_plugins.email.resend.events import KEY, events_of

__all__ = ["ResendChannel", "ResendProvider"]

SECONDS = 30.0
ONE_HOUR = 3600.0


class ResendProvider(EmailProvider):
    """Resend. For 24 hours it delivers nothing twice that comes with the same Idempotency-Key."""

    name: ClassVar[str] = "resend"
    title: ClassVar[str] = "Resend"
    idempotency: ClassVar[Idempotency] = Idempotency.KEY
    host: ClassVar[str] = "https://api.resend.com"

    class Config(colander.MappingSchema):
        api_key = colander.SchemaNode(
            colander.String(),
            title="API key",
            validator=colander.Regex(r"[A-Za-z0-9_-]{1,200}\Z"),
            secret=True,
            description="With “Sending access”.",
        )
        webhook_secret = colander.SchemaNode(
            colander.String(),
            title="Signing secret of the webhook",
            missing="",
            validator=colander.Regex(r"(whsec_[A-Za-z0-9+/=]{8,200})?\Z"),
            secret=True,
            description="It starts with whsec_. Without it, events are not taken.",
        )

    def open(self, account: Account, services: ProviderServices) -> ResendChannel:
        return ResendChannel(account, services, self.host)

    def takes_events(self, account: Account) -> bool:
        return bool(account.config["webhook_secret"])

    def receive(
        self, account: Account, services: ProviderServices, call: IncomingCall
    ) -> Sequence[ProviderEvent]:
        return events_of(account.config["webhook_secret"], call)


class ResendChannel(HttpChannel):
    """One account of Resend."""

    def __init__(self, account: Account, services: ProviderServices, host: str) -> None:
        super().__init__(services)
        self._address = f"{host}/emails"
        self._key = account.config["api_key"]

    def deliver(self, message: Message) -> Reply:
        try:
            mail = mail_of(message)
        except CannotSayError as error:
            return Reply(Fate.PERMANENT, text=str(error))
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": message.key}
        return of_answer(self.http.post(self._address, json=mail, headers=headers, timeout=SECONDS))


def mail_of(message: Message) -> dict[str, Any]:
    """The body of `POST /emails`. Raises CannotSayError."""
    parts = read(message)
    mail: dict[str, Any] = {
        "from": parts.sender,
        "to": [parts.recipient],
        "subject": parts.subject,
        "headers": dict(parts.headers),
        "tags": [{"name": KEY, "value": message.key}],
    }
    optional = {"reply_to": parts.reply_to, "text": parts.text, "html": parts.html}
    mail |= {name: value for name, value in optional.items() if value is not None}
    if parts.attached:
        mail["attachments"] = [
            {
                "filename": each.name,
                "content_type": each.kind,
                "content": base64.b64encode(each.body).decode(),
            }
            | ({"content_id": each.content_id} if each.content_id else {})
            for each in parts.attached
        ]
    return mail


def of_answer(answer: httpx.Response) -> Reply:
    """{"id": "…"}, or {"statusCode": 422, "name": "validation_error", "message": "…"}."""
    try:
        body = answer.json()
        name, said, id = str(body.get("name", "")), str(body.get("message", "")), body.get("id")
    except (ValueError, AttributeError):
        name, said, id = "", "", None
    status = answer.status_code
    said = said[:500] or ("Taken by Resend" if status < 300 else f"Resend answered {status}")
    if status == 429 and name in ("daily_quota_exceeded", "monthly_quota_exceeded"):
        wait = seconds(answer, ONE_HOUR)
        return Reply(Fate.TEMPORARY, status, said, of_account=True, retry_after=wait)
    if status == 409:
        # An earlier call with this key is still being worked on, or had other contents: it may have been taken.
        return Reply(Fate.UNKNOWN, status, said)
    return of_status(answer, said, id if isinstance(id, str) else None)
