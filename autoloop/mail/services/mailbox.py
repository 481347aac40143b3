"""The mailbox: where captured mail is kept and read."""

from __future__ import annotations

import base64
import email
import email.policy
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import undefer

from autoloop.base.ids import new_id, parse_id
from autoloop.base.runtime import Runtime
from autoloop.base.services import Service, Services
from autoloop.mail.models import MailboxMessage
from autoloop.plugins.email import Message

__all__ = ["Captured", "Opened", "WorkspaceMailbox", "opened", "pictured"]

ADDRESSED = text("""
select id, to_address from email_logs
where workspace_id = :workspace and id = any(cast(:ids as uuid[])) order by id for share""")


@dataclass(frozen=True, slots=True)
class WorkspaceMailbox:
    """One workspace's mailbox, as providers see it. Each store is a transaction of its own."""

    runtime: Runtime
    workspace_id: UUID

    def store(self, messages: Iterable[Message]) -> None:
        """Keep messages; one whose key is there already stays as it is, one that was erased meanwhile is not kept."""
        rows = [
            {
                "workspace_id": self.workspace_id,
                "id": new_id(),
                "key": message.key,
                "message_id": message.message_id,
                "sender": message.sender,
                "recipient": message.recipient,
                "subject": subject_of(message.data),
                "size": len(message.data),
                "raw": message.data,
            }
            for message in messages
        ]
        if not rows:
            return
        with self.runtime.unit("worker") as services:
            gone = self._erased(services, [row["key"] for row in rows])
            kept = [row for row in rows if row["key"] not in gone]
            if kept:
                statement = insert(MailboxMessage).on_conflict_do_nothing(
                    index_elements=["workspace_id", "key"]
                )
                services.session.execute(statement, kept)

    def _erased(self, services: Services, keys: Sequence[str]) -> set[str]:
        """Which of these emails were blanked. The others stay as they are until this transaction ends."""
        ids = [id for key in keys if (id := parse_id(key)) is not None]
        found = services.session.execute(ADDRESSED, {"workspace": self.workspace_id, "ids": ids})
        return {str(row.id) for row in found if not row.to_address}


class Captured(Service):
    """The workspace's captured mail, to read."""

    def rows(self, words: str | None = None) -> Select[Any]:
        """Messages; with words, those whose recipient or subject holds them."""
        table = MailboxMessage
        fields = ("id", "key", "message_id", "sender", "recipient", "subject", "size", "created_at")
        query = select(*(getattr(table, field) for field in fields)).where(
            table.workspace_id == self.workspace_id
        )
        if words:
            query = query.where(
                or_(
                    table.recipient.icontains(words, autoescape=True),
                    table.subject.icontains(words, autoescape=True),
                )
            )
        return query

    def find(self, id: UUID) -> MailboxMessage | None:
        """One message with its source."""
        return self.session.get(
            MailboxMessage, (self.workspace_id, id), options=[undefer(MailboxMessage.raw)]
        )

    def empty(self) -> int:
        """Throw all captured mail away. Returns how many messages went."""
        done = self.session.execute(
            delete(MailboxMessage).where(MailboxMessage.workspace_id == self.workspace_id)
        )
        return int(done.rowcount)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Opened:
    """A message taken apart for reading."""

    headers: list[tuple[str, str]]
    text: str
    html: str | None
    source: str
    files: list[tuple[str, str, int]]
    """What came along: name, media type, octets."""
    shown: dict[str, str]
    """Pictures in the HTML as `data:` addresses, by their Content-ID."""


MAX_SHOWN = 12_000_000  # characters of pictures that a page gets
MAX_SOURCE = 300_000
_PICTURE = re.compile(r"image/[a-z]{3,5}\Z")


def opened(raw: bytes) -> Opened:
    """Headers, bodies and source of a message. Never raises, whatever was captured."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    headers = []
    for name in dict.fromkeys(message.keys()):
        try:
            headers += [(name, _readable(str(value))) for value in message.get_all(name, [])]
        except (ValueError, IndexError, LookupError):
            headers.append((name, "(cannot be read)"))
    files, shown = _files(message)
    bodies = _body(message, "plain") or "", _body(message, "html")
    source = raw[:MAX_SOURCE].decode("utf-8", "replace") + ("…" if len(raw) > MAX_SOURCE else "")
    return Opened(headers, *bodies, source, files, shown)


def pictured(mail: Opened) -> str | None:
    """The HTML for a page, with its pictures in it."""
    html = mail.html
    for id, address in mail.shown.items():
        html = html.replace(f"cid:{id}", address) if html else html
    return html


def _readable(value: str) -> str:
    """Octets of a header as the UTF-8 that they are (RFC 6532), where the library keeps them apart."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _files(message: EmailMessage) -> tuple[list[tuple[str, str, int]], dict[str, str]]:
    files, shown, room = [], {}, MAX_SHOWN
    for part in message.walk():
        try:
            if part.is_multipart() or part.get_content_disposition() is None:
                continue
            name, kind, octets = (
                part.get_filename() or "",
                part.get_content_type(),
                part.get_payload(decode=True),
            )
            id = str(part["content-id"] or "").strip("<> ")
        except (ValueError, IndexError, LookupError, AttributeError):
            continue
        body = octets if isinstance(octets, bytes) else b""
        files.append((_readable(name), kind, len(body)))
        room -= len(body) * 4 // 3
        if id and _PICTURE.match(kind) and room > 0:
            shown[id] = f"data:{kind};base64,{base64.b64encode(body).decode()}"
    return files, shown


def _body(message: EmailMessage, kind: str) -> str | None:
    try:
        part = message.get_body((kind,))
        return str(part.get_content()) if part is not None else None
    except (ValueError, LookupError, AttributeError):
        return None


def subject_of(data: bytes) -> str:
    """The Subject, decoded, for the list."""
    head = email.message_from_bytes(data.partition(b"\r\n\r\n")[0], policy=email.policy.default)
    try:
        return str(head["Subject"] or "").replace("\x00", "")[:500]
    except (ValueError, IndexError, LookupError):
        return ""
