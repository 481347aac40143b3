"""The JSON that SendGrid takes in place of a MIME message: made from the message, so that both say the same."""

from __future__ import annotations

import base64
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from typing import Any

from autoloop.plugins.email import Message

__all__ = ["KEY", "CannotSayError", "mail_of"]

KEY = "autoloop_email"
# SendGrid writes these itself and refuses a mail that brings them.
RESERVED = (
    *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to"),
    *("from", "subject", "reply-to", "cc", "bcc", "mime-version", "date"),
)
# AutoLoop's own links and pixel tell who opened what, where the person agreed to it.
NO_TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}


class CannotSayError(ValueError):
    """The message holds something that SendGrid's JSON has no place for."""


def mail_of(message: Message) -> dict[str, Any]:
    """The body of `POST /v3/mail/send`. Raises CannotSayError."""
    read = BytesParser(_class=EmailMessage, policy=SMTP).parsebytes(message.data)
    content, attachments = _parts(read)
    mail: dict[str, Any] = {
        "personalizations": [
            {"to": [_person(read, "to", message.recipient)], "custom_args": {KEY: message.key}}
        ],
        "from": _person(read, "from", message.sender),
        "subject": str(read["subject"] or " "),
        "content": content,
        "tracking_settings": NO_TRACKING,
    }
    if read["reply-to"]:
        mail["reply_to"] = _person(read, "reply-to", "")
    headers = {name: str(value) for name, value in read.items() if name.lower() not in RESERVED}
    if headers:
        mail["headers"] = headers
    if attachments:
        mail["attachments"] = attachments
    return mail


def _person(read: EmailMessage, header: str, otherwise: str) -> dict[str, str]:
    found: tuple[Address, ...] = getattr(read[header], "addresses", ())
    if len(found) > 1:
        raise CannotSayError(f"more than one address in {header}")
    # The envelope decides where it goes; the header only how the person is called.
    address = otherwise or (found[0].addr_spec if found else "")
    name = found[0].display_name if found else ""
    return {"email": address, "name": name} if name else {"email": address}


def _parts(read: EmailMessage) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Texts, plain before HTML as SendGrid wants them, and what is attached."""
    texts: dict[str, str] = {}
    attachments: list[dict[str, str]] = []
    for part in read.walk():
        if part.is_multipart():
            continue
        kind, payload = part.get_content_type(), part.get_payload(decode=True)
        body = payload if isinstance(payload, bytes) else b""
        attached = part.get_content_disposition() in ("attachment", "inline") or part["content-id"]
        if kind in ("text/plain", "text/html") and not attached and kind not in texts:
            texts[kind] = body.decode(part.get_content_charset("utf-8"), "replace")
        else:
            attachments.append(_attachment(part, kind, body))
    if not texts:
        raise CannotSayError("the message has no text")
    return [{"type": kind, "value": texts[kind]} for kind in sorted(texts, reverse=True)], attachments


def _attachment(part: Any, kind: str, body: bytes) -> dict[str, str]:
    made = {
        "content": base64.b64encode(body).decode(),
        "type": kind,
        "filename": part.get_filename() or "attachment",
        "disposition": "inline" if part["content-id"] else "attachment",
    }
    if part["content-id"]:
        made["content_id"] = str(part["content-id"]).strip().strip("<>")
    return made
