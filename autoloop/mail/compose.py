"""A finished letter as the bytes of one message: CRLF, ASCII, and nothing a field could break out of.

Headers are encoded here and not by `email.message`: the library decodes encoded words in what it is
given, and a name such as `=?utf-8?q?=0d=0aBcc:_x?=` comes out as a header of its own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from autoloop.mail.addresses import envelope_address
from autoloop.mail.enclosures import Enclosed, enclose

__all__ = ["CannotComposeError", "Letter", "clean", "compose", "is_unsafe"]

# Control characters, line separators of Unicode, and marks that turn text around (a name that
# reads "moc.knab" as "bank.com").
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+"
)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.\[\]:-]{1,253}\Z")
# A local part with letters of any script (RFC 6532), which only servers with SMTPUTF8 take.
_WIDE_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]{1,64}@[A-Za-z0-9.\[\]:-]{1,253}\Z"
)
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}\Z")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*\Z")
# Where a reference is no character but the text of it.
_STYLED = re.compile(r"<(?:style|script)\b[^<]*[^\x00-\x7f]", re.IGNORECASE)
MAX_SUBJECT = 500
MAX_NAME = 150
MAX_VALUE = 900
LINE = 76
LONGEST_LINE = 998  # octets, RFC 5322 §2.1.1


class CannotComposeError(ValueError):
    """These fields make no message; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything that stands in a message. The same letter gives the same bytes, always.

    `headers` are extra ones from our own code (List-Unsubscribe and the like), never a person's: those are
    `custom`, whose names were checked. `files` are what goes along.
    """

    message_id: str
    date: datetime
    from_name: str
    from_address: str
    to_name: str
    to_address: str
    subject: str
    text: str
    html: str | None = None
    reply_to: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    custom: Sequence[tuple[str, str]] = ()
    files: Enclosed | None = None


def is_unsafe(text: str) -> bool:
    """Whether it holds what could end a header or mislead the reader: control characters, marks of direction."""
    return _UNSAFE.search(text) is not None


def clean(text: str, limit: int) -> str:
    """One line of text, without what could end a header or mislead the reader."""
    return " ".join(_UNSAFE.sub(" ", text).split())[:limit].rstrip()


def compose(letter: Letter) -> bytes:
    """The message (RFC 5322, MIME), ready for SMTP but for dot-stuffing. Raises CannotComposeError."""
    head = [
        f"Message-ID: {_plain(letter.message_id)}",
        f"Date: {format_datetime(letter.date.astimezone(UTC).replace(microsecond=0))}",
        f"From: {_mailbox(letter.from_name, letter.from_address)}",
        f"To: {_mailbox(letter.to_name, letter.to_address)}",
    ]
    if letter.reply_to:
        head.append(f"Reply-To: {_mailbox('', letter.reply_to)}")
    head.append(f"Subject: {_words(clean(letter.subject, MAX_SUBJECT), 9)}")
    for name, value in letter.headers:
        if not _HEADER_NAME.match(name):
            raise CannotComposeError(f"“{name}” is no name of a header")
        head.append(f"{name}: {_plain(value)}")
    for name, value in letter.custom:
        if not _HEADER_NAME.match(name):
            raise CannotComposeError(f"“{clean(name, 60)}” is no name of a header")
        head.append(f"{name}: {_unstructured(name, clean(value, MAX_VALUE))}")
    head.append("MIME-Version: 1.0")
    if letter.files is not None:
        html = None if letter.html is None else _part("html", letter.html)
        body = enclose(letter.message_id, _part("plain", letter.text), html, letter.files)
        return "\r\n".join([*head, ""]).encode() + body
    if letter.html is None:
        return "\r\n".join(head).encode() + b"\r\n" + _part("plain", letter.text)
    # The boundary follows from the id, so that a retry is the same bytes.
    boundary = "=_" + hashlib.sha256(letter.message_id.encode()).hexdigest()[:40]
    head += [f'Content-Type: multipart/alternative; boundary="{boundary}"', "", ""]
    edge = f"--{boundary}".encode()
    return b"".join(
        (
            "\r\n".join(head).encode(),
            edge + b"\r\n" + _part("plain", letter.text),
            edge + b"\r\n" + _part("html", letter.html),
            edge + b"--\r\n",
        )
    )


def _part(subtype: str, text: str) -> bytes:
    """Headers and body of one text part: as it is where that is safe, else quoted-printable."""
    if "\r" in text or "\x00" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    if subtype == "html" and not text.isascii() and not _STYLED.search(text):
        # References mean the same in HTML and need no encoding: a tenth of the time, and readable in the source.
        text = text.encode("ascii", "xmlcharrefreplace").decode()
    text = text.rstrip("\n")
    # It ends with CRLF, or binascii would break long lines with a lone LF.
    body = f"{text}\n".encode("utf-8", "replace").replace(b"\n", b"\r\n")
    encoding = "7bit"
    if not body.isascii() or max(map(len, text.split("\n"))) > LONGEST_LINE:
        encoding, body = "quoted-printable", binascii.b2a_qp(body, quotetabs=False, istext=True)
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode() + body


def _plain(value: str) -> str:
    """A header of our own making: ASCII, on one line, as it is."""
    if _UNSAFE.search(value) or not value.isascii() or len(value) > MAX_VALUE:
        raise CannotComposeError("a header holds what must not be there")
    return value


def _unstructured(name: str, value: str) -> str:
    """A person's value, never folded where it need not be: some hold an address of the web."""
    if value.isascii() and "=?" not in value:
        return value
    return _encoded_words(value, len(name) + 2)


def _mailbox(name: str, address: str) -> str:
    try:
        envelope = envelope_address(address)
    except ValueError as error:
        raise CannotComposeError(f"“{clean(address, 80)}” is no address: {error}") from None
    if not _ADDRESS.match(envelope) and not _is_wide(envelope):
        raise CannotComposeError(f"“{clean(address, 80)}” is no address that mail servers take")
    name = clean(name, MAX_NAME)
    if not name:
        return envelope
    if not name.isascii() or "=?" in name:
        return f"{_encoded_words(name, 10)}\r\n <{envelope}>"
    if not _ATOMS.match(name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name}\r\n <{envelope}>" if len(name) + len(envelope) > LINE - 14 else f"{name} <{envelope}>"


def _is_wide(envelope: str) -> bool:
    """The header then holds it as UTF-8, as it cannot be encoded."""
    local = envelope.partition("@")[0]
    return (
        bool(_WIDE_ADDRESS.match(envelope))
        and not _UNSAFE.search(local)
        and not any(character.isspace() for character in local)
        and len(local.encode()) <= 64
    )


def _words(text: str, used: int) -> str:
    """Unstructured text: folded at spaces, or encoded where it must be. `used`: octets before it."""
    if not text.isascii() or "=?" in text or any(len(word) > LINE - 1 for word in text.split(" ")):
        return _encoded_words(text, used)
    lines, line = [], ""
    for word in text.split(" "):
        if line and used + len(line) + 1 + len(word) > LINE:
            lines.append(line)
            line, used = word, 1
        else:
            line = f"{line} {word}" if line else word
    return "\r\n ".join([*lines, line])


def _encoded_words(text: str, used: int) -> str:
    """RFC 2047: words of at most 75 characters, none of which cuts a character in two."""
    words, chunk, room = [], b"", (LINE - used - 12) // 4 * 3
    for character in text:
        octets = character.encode()
        if chunk and len(chunk) + len(octets) > room:
            words.append(chunk)
            chunk, room = b"", 45
        chunk += octets
    words.append(chunk)
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in words)
