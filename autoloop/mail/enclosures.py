"""Files within a message: each encoded once as a part of MIME, and the parts nested as readers expect.

    multipart/mixed( multipart/alternative( text, multipart/related( html, pictures ) ), files )

with each level left out that has one part only.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

__all__ = ["Enclosed", "content_id", "enclose", "encoded"]

# What RFC 2231 leaves as it is in a parameter.
_PLAIN = "!#$&+-.^_`|~"
_PIECE = 60


@dataclass(frozen=True, slots=True)
class Enclosed:
    """Parts of MIME, headers included: pictures that the HTML shows, and files beside it."""

    shown: Sequence[bytes] = ()
    beside: Sequence[bytes] = ()

    @property
    def size(self) -> int:
        return sum(map(len, (*self.shown, *self.beside)))


def content_id(cid: str, digest: str) -> str:
    """How a message names the picture that its writer calls `cid`: unique by its content."""
    return f"{cid}.{digest[:16]}@autoloop"


def encoded(name: str, kind: str, body: bytes, shown_as: str | None = None) -> bytes:
    """One part. `kind` is its media type; with `shown_as` (a Content-ID) it is a picture in the HTML."""
    lines = [f"Content-Type: {kind}", "Content-Transfer-Encoding: base64"]
    lines.append("Content-Disposition: inline" if shown_as else "Content-Disposition: attachment")
    lines[-1] += "".join(f";\r\n {each}" for each in _parameters(name))
    if shown_as:
        lines.append(f"Content-ID: <{shown_as}>")
    return "\r\n".join([*lines, "", ""]).encode() + base64.encodebytes(body).replace(b"\n", b"\r\n")


def _parameters(name: str) -> list[str]:
    """The file name (RFC 2231): in quotes, or as octets in pieces where it is long or not ASCII."""
    if name.isascii() and len(name) <= _PIECE:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return [f'filename="{quoted}"']
    octets = [quote(character, safe=_PLAIN) for character in name]
    pieces, piece = [], ""
    for octet in octets:
        if len(piece) + len(octet) > _PIECE:
            pieces.append(piece)
            piece = ""
        piece += octet
    pieces.append(piece)
    if len(pieces) == 1:
        return [f"filename*=utf-8''{piece}"]
    first, *others = pieces
    return [f"filename*0*=utf-8''{first}", *(f"filename*{n}*={each}" for n, each in enumerate(others, 1))]


def enclose(key: str, text: bytes, html: bytes | None, files: Enclosed) -> bytes:
    """The message's own part with its Content-Type. `text` and `html` are parts with headers; boundaries
    follow from `key`, so that the same message is the same bytes."""
    boundary = hashlib.sha256(key.encode()).hexdigest()[:36]
    body = text
    if html is not None:
        if files.shown:
            kind = 'related; type="text/html"'
            html = _multipart(kind, f"=_r{boundary}", [html, *files.shown])
        body = _multipart("alternative", f"=_a{boundary}", [text, html])
    if files.beside:
        body = _multipart("mixed", f"=_m{boundary}", [body, *files.beside])
    return body


def _multipart(kind: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    edge = f"--{boundary}".encode()
    head = f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"\r\n\r\n'.encode()
    pieces = [head]
    for part in parts:
        pieces += [edge, b"\r\n", part, b"" if part.endswith(b"\r\n") else b"\r\n"]
    return b"".join([*pieces, edge, b"--\r\n"])
