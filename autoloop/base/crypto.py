"""Keys derived by purpose from the installation's secrets: signatures and secrets at rest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["Keyring", "digest", "new_token"]


def new_token(octets: int = 32) -> str:
    """An unguessable URL-safe token."""
    return secrets.token_urlsafe(octets)


def digest(token: str) -> bytes:
    """What is stored of a token: SHA-256. Only for tokens with ≥ 128 bits of chance."""
    return hashlib.sha256(token.encode()).digest()


class Keyring:
    """The installation's secret keys, newest first. The first signs and seals; all verify and open."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("a keyring needs at least one key")
        self._keys = tuple(keys)
        self._derived: dict[tuple[str, int], bytes] = {}

    def derive(self, purpose: str, index: int = 0) -> bytes:
        """32 octets for one purpose (HKDF, RFC 5869)."""
        found = self._derived.get((purpose, index))
        if found is None:
            found = HKDF(SHA256(), 32, None, purpose.encode()).derive(self._keys[index].encode())
            self._derived[purpose, index] = found
        return found

    def derive_all(self, purpose: str) -> list[bytes]:
        """The same of every key, newest first."""
        return [self.derive(purpose, index) for index in range(len(self._keys))]

    def sign(self, purpose: str, payload: object, *, octets: int = 16) -> str:
        """`<payload>.<signature>` in URL-safe base64; good for this purpose only."""
        body = _encode(orjson.dumps(payload))
        return f"{body}.{_encode(self._mac(purpose, body, 0)[:octets])}"

    def verify(self, purpose: str, token: str) -> object | None:
        """The payload of a token that one of the keys signed for this purpose, else None."""
        body, dot, signature = token.partition(".")
        if not dot or len(token) > 4096:
            return None
        try:
            given, raw = _decode(signature), _decode(body)
        except ValueError:
            return None
        if len(given) < 16:
            return None
        for index in range(len(self._keys)):
            if hmac.compare_digest(self._mac(purpose, body, index)[: len(given)], given):
                result: object = orjson.loads(raw)
                return result
        return None

    def _mac(self, purpose: str, body: str, index: int) -> bytes:
        return hmac.new(self.derive(f"sign:{purpose}", index), body.encode(), hashlib.sha256).digest()

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """Envelope encryption: a fresh data key seals the text, the installation's key seals it (AES-256-GCM)."""
        data_key, nonce, outer = AESGCM.generate_key(256), secrets.token_bytes(12), secrets.token_bytes(12)
        sealed_key = AESGCM(self.derive(f"seal:{purpose}")).encrypt(outer, data_key, None)
        return b"\x01" + outer + sealed_key + nonce + AESGCM(data_key).encrypt(nonce, plain, purpose.encode())

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """The text again. Raises ValueError if no key opens it."""
        if len(sealed) < 89 or sealed[:1] != b"\x01":
            raise ValueError("not a sealed secret")
        outer, sealed_key, nonce, body = sealed[1:13], sealed[13:61], sealed[61:73], sealed[73:]
        for index in range(len(self._keys)):
            try:
                data_key = AESGCM(self.derive(f"seal:{purpose}", index)).decrypt(outer, sealed_key, None)
                return AESGCM(data_key).decrypt(nonce, body, purpose.encode())
            except InvalidTag:
                continue
        raise ValueError("none of the installation's keys opens this secret")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
