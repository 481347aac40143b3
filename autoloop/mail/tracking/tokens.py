"""The tokens of links and of the picture in tracked mail: opaque, signed, good for one place in one email.

A token is 54 octets in URL-safe base64: a version octet, workspace and email, then what it is for, the link,
its turn, and 16 octets of HMAC-SHA-256 over all of these. The hash states after the key are made once:
a signature then costs half a microsecond, of which a mail needs one for each link.
"""

from __future__ import annotations

import hmac
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from autoloop.base.crypto import Keyring

__all__ = ["OPEN", "Place", "Tokens", "Touch", "packed"]

Place = tuple[int, int]
"""(link, turn): which link of the template version, and which of its renderings in this mail. Both small."""

OPEN: Place = (0, 0)
"""The picture that tells of opens. Links count from 1."""

LENGTH = 72
_VERSION = b"\x01"
_HEAD, _TAIL, _MAC = 44, 28, 16  # characters of the part that is the email's, and the link's; octets
_URL_SAFE, _PLAIN = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")
_SIGNS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_PURPOSE = "touch"


@dataclass(frozen=True, slots=True)
class Touch:
    """What a token says: a link of an email was followed, or (link 0) its picture was fetched."""

    workspace_id: UUID
    email_id: UUID
    link: int
    turn: int


def packed(place: Place) -> bytes:
    """A place as tokens hold it: what it is for, link, turn; five octets."""
    link, turn = place
    return (b"c" if link else b"o") + link.to_bytes(2, "big") + turn.to_bytes(2, "big")


class _Key:
    """HMAC (RFC 2104) with its two hash states prepared."""

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self.inner = sha256(bytes(octet ^ 0x36 for octet in block))
        self.outer = sha256(bytes(octet ^ 0x5C for octet in block))

    def begin(self, head: bytes) -> Any:
        state = self.inner.copy()
        state.update(head)
        return state

    def end(self, begun: Any, rest: bytes) -> bytes:
        inner = begun.copy()
        inner.update(rest)
        outer = self.outer.copy()
        outer.update(inner.digest())
        made: bytes = outer.digest()[:_MAC]
        return made


class Tokens:
    """Makes and reads the tokens of one installation. The newest key signs, all keys are read."""

    def __init__(self, public_url: str, keyring: Keyring) -> None:
        self.base = f"{public_url}/t/"
        self._keys = [_Key(key) for key in keyring.derive_all(f"sign:{_PURPOSE}")]

    def urls(self, workspace_id: UUID, email_id: UUID, places: Sequence[bytes]) -> list[str]:
        """The address of each place (`packed`) of an email. The same email always gets the same."""
        key = self._keys[0]
        head = _VERSION + workspace_id.bytes + email_id.bytes
        begun = key.begin(head)
        tails = [place + key.end(begun, place) for place in places]
        # 33 octets, then 21 each: whole groups of base64, so that all are written at once and cut apart.
        written = b2a_base64(head + b"".join(tails), newline=False).translate(_URL_SAFE).decode()
        start = self.base + written[:_HEAD]
        return [start + written[at : at + _TAIL] for at in range(_HEAD, len(written), _TAIL)]

    def read(self, token: str) -> Touch | None:
        """What a token of ours says; None for everything else, however long or strange."""
        if len(token) != LENGTH or not _SIGNS.issuperset(token):
            return None
        raw = a2b_base64(token.encode().translate(_PLAIN))
        head, said, given = raw[:33], raw[33:38], raw[38:]
        if head[:1] != _VERSION:
            return None
        if not any(hmac.compare_digest(key.end(key.begin(head), said), given) for key in self._keys):
            return None
        link, turn = int.from_bytes(said[1:3], "big"), int.from_bytes(said[3:5], "big")
        return Touch(UUID(bytes=head[1:17]), UUID(bytes=head[17:33]), link, turn)
