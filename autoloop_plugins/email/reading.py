"""A finished MIME message read back into its parts, for vendors that take JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from typing import Any

from autoloop.plugins.email import Message

__all__ = ["Attached", "CannotSayError", "Parts", "read"]

# What has a place of its own in the JSON, and what the vendor writes: our signature covers our bytes only.
WRITTEN = frozenset(
    {
        *("from", "to", "subject", "reply-to", "date", "mime-version", "content-type"),
        *("content-transfer-encoding", "dkim-signature", "cc", "bcc"),
    }
)


class CannotSayError(ValueError):
    """The message holds something that the vendor's JSON has no place for."""


@dataclass(frozen=True, slots=True)
class Attached:
    """One attachment; with a `content_id` it is shown within the HTML."""

    name: str
    kind: str
    body: bytes
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """The message in parts. Addresses are written as headers write them: `Ada <ada@example.org>`."""

    sender: str
    recipient: str
    reply_to: str | None
    subject: str
    text: str | None
    html: str | None
    headers: list[tuple[str, str]] = field(default_factory=list)
    attached: list[Attached] = field(default_factory=list)


def read(message: Message) -> Parts:
    """Raises CannotSayError. The envelope decides where it goes; the header only how the person is called."""
    mime = BytesParser(_class=EmailMessage, policy=SMTP).parsebytes(message.data)
    texts: dict[str, str] = {}
    attached = []
    for part in mime.walk():
        if part.is_multipart():
            continue
        kind, payload = part.get_content_type(), part.get_payload(decode=True)
        body = payload if isinstance(payload, bytes) else b""
        apart = part.get_content_disposition() in ("attachment", "inline") or part["content-id"]
        if kind in ("text/plain", "text/html") and not apart and kind not in texts:
            texts[kind] = body.decode(part.get_content_charset("utf-8"), "replace")
        else:
            content_id = str(part["content-id"] or "").strip().strip("<>") or None
            attached.append(Attached(part.get_filename() or "attachment", kind, body, content_id))
    if not texts:
        raise CannotSayError("the message has no text")
    return Parts(
        sender=_mailbox(mime, "from", message.sender),
        recipient=_mailbox(mime, "to", message.recipient),
        reply_to=_mailbox(mime, "reply-to", "") or None,
        subject=str(mime["subject"] or ""),
        text=texts.get("text/plain"),
        html=texts.get("text/html"),
        headers=[(name, _flat(value)) for name, value in mime.items() if name.lower() not in WRITTEN],
        attached=attached,
    )


def _mailbox(mime: EmailMessage, header: str, otherwise: str) -> str:
    found: Any = getattr(mime[header], "addresses", ())
    if len(found) > 1:
        raise CannotSayError(f"more than one address in {header}")
    name = _flat(found[0].display_name) if found else ""
    address = otherwise or (found[0].addr_spec if found else "")
    if not name:
        return address
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>'


def _flat(value: Any) -> str:
    return " ".join(str(value).split())
