"""The JSON that SendGrid takes in place of a MIME message: made from the message, so that both say the same."""

from __future__ import annotations

import base64
from email.utils import parseaddr
from typing import Any

from autoloop.plugins.email import Message
from autoloop_plugins.email.reading import Attached, read

__all__ = ["KEY", "mail_of"]

KEY = "autoloop_email"
# Besides what has a place of its own, SendGrid refuses these.
RESERVED = ("x-sg-id", "x-sg-eid", "received")
# AutoLoop's own links and pixel tell who opened what, where the person agreed to it.
NO_TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}


def mail_of(message: Message) -> dict[str, Any]:
    """The body of `POST /v3/mail/send`. Raises CannotSayError."""
    parts = read(message)
    texts = (("text/plain", parts.text), ("text/html", parts.html))  # in the order that SendGrid wants
    mail: dict[str, Any] = {
        "personalizations": [{"to": [_person(parts.recipient)], "custom_args": {KEY: message.key}}],
        "from": _person(parts.sender),
        "subject": parts.subject or " ",
        "content": [{"type": kind, "value": value or " "} for kind, value in texts if value is not None],
        "tracking_settings": NO_TRACKING,
    }
    if parts.reply_to:
        mail["reply_to"] = _person(parts.reply_to)
    headers = {name: value for name, value in parts.headers if name.lower() not in RESERVED}
    if headers:
        mail["headers"] = headers
    if parts.attached:
        mail["attachments"] = [_attachment(each) for each in parts.attached]
    return mail


def _person(mailbox: str) -> dict[str, str]:
    name, address = parseaddr(mailbox)
    return {"email": address, "name": name} if name else {"email": address}


def _attachment(given: Attached) -> dict[str, str]:
    made = {"content": base64.b64encode(given.body).decode(), "type": given.kind, "filename": given.name}
    if given.content_id:
        return made | {"disposition": "inline", "content_id": given.content_id}
    return made | {"disposition": "attachment"}
