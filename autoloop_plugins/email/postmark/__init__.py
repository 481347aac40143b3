"""Postmark: through its JSON API, with what became of the mail coming back through webhooks."""

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
from autoloop_plugins.email.answers import of_status
from autoloop_plugins.email.over_http import HttpChannel
from autoloop_plugins.email.postmark.events import KEY, events_of
from autoloop_plugins.email.reading import CannotSayError, read

__all__ = ["PostmarkChannel", "PostmarkProvider"]

SECONDS = 60.0  # Postmark's own advice
# Error codes of a 422 that are about the account: https://postmarkapp.com/developer/api/overview
OF_ACCOUNT = frozenset({10, 400, 401, 405, 412, 413, 700, 701, 1235})


class PostmarkProvider(EmailProvider):
    """Postmark. It has no key that makes a second call harmless: an event settles what is unknown."""

    name: ClassVar[str] = "postmark"
    title: ClassVar[str] = "Postmark"
    idempotency: ClassVar[Idempotency] = Idempotency.EVENTS
    host: ClassVar[str] = "https://api.postmarkapp.com"

    class Config(colander.MappingSchema):
        server_token = colander.SchemaNode(
            colander.String(),
            title="Server API token",
            validator=colander.Regex(r"[\x21-\x7e]{1,100}\Z"),
            secret=True,
        )
        message_stream = colander.SchemaNode(
            colander.String(),
            title="Message stream",
            missing="outbound",
            default="outbound",
            validator=colander.Regex(r"[a-z0-9_-]{1,64}\Z"),
            description="Marketing mail needs a broadcast stream: use an account of its own for it.",
        )
        webhook_password = colander.SchemaNode(
            colander.String(),
            title="Webhook password",
            missing="",
            validator=colander.Length(max=200),
            secret=True,
            description="You choose it, and give it to Postmark as the password of Basic auth. "
            "Without it, events are not taken.",
        )

    def open(self, account: Account, services: ProviderServices) -> PostmarkChannel:
        return PostmarkChannel(account, services, self.host)

    def takes_events(self, account: Account) -> bool:
        return bool(account.config["webhook_password"])

    def receive(
        self, account: Account, services: ProviderServices, call: IncomingCall
    ) -> Sequence[ProviderEvent]:
        return events_of(account.config["webhook_password"], call)


class PostmarkChannel(HttpChannel):
    """One stream of one server of Postmark."""

    def __init__(self, account: Account, services: ProviderServices, host: str) -> None:
        super().__init__(services)
        self._address = f"{host}/email"
        self._stream = account.config["message_stream"]
        self._headers = {
            "X-Postmark-Server-Token": account.config["server_token"],
            "Accept": "application/json",
        }

    def deliver(self, message: Message) -> Reply:
        try:
            mail = mail_of(message, self._stream)
        except CannotSayError as error:
            return Reply(Fate.PERMANENT, text=str(error))
        return of_answer(self.http.post(self._address, json=mail, headers=self._headers, timeout=SECONDS))


def mail_of(message: Message, stream: str) -> dict[str, Any]:
    """The body of `POST /email`. Raises CannotSayError."""
    parts = read(message)
    # X-PM-KeepID keeps our Message-ID.
    headers = [*parts.headers, ("X-PM-KeepID", "true")]
    mail: dict[str, Any] = {
        "From": parts.sender,
        "To": parts.recipient,
        "Subject": parts.subject,
        "MessageStream": stream,
        "Metadata": {KEY: message.key},
        # AutoLoop's own links and pixel tell who opened what, where the person agreed to it.
        "TrackOpens": False,
        "TrackLinks": "None",
        "Headers": [{"Name": name, "Value": value} for name, value in headers],
    }
    optional = {"ReplyTo": parts.reply_to, "TextBody": parts.text, "HtmlBody": parts.html}
    mail |= {name: value for name, value in optional.items() if value is not None}
    if parts.attached:
        mail["Attachments"] = [
            {"Name": each.name, "ContentType": each.kind, "Content": base64.b64encode(each.body).decode()}
            | ({"ContentID": f"cid:{each.content_id}"} if each.content_id else {})
            for each in parts.attached
        ]
    return mail


def of_answer(answer: httpx.Response) -> Reply:
    """{"ErrorCode": 0, "Message": "OK", "MessageID": "…"}; 422 with a code says what is wrong."""
    try:
        body = answer.json()
        code, said, id = body.get("ErrorCode"), str(body.get("Message", "")), body.get("MessageID")
    except (ValueError, AttributeError):
        code, said, id = None, "", None
    said = said[:500] or f"Postmark answered {answer.status_code}"
    if answer.status_code == 422 and code in OF_ACCOUNT:
        return Reply(Fate.TEMPORARY, 422, said, of_account=True)
    # A planned outage, which Postmark announces with a body of its own: nothing was taken.
    if answer.status_code == 503 and code is not None:
        return Reply(Fate.TEMPORARY, 503, said, of_account=True)
    return of_status(answer, said, id if isinstance(id, str) else None)
