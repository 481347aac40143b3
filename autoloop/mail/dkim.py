"""DKIM signatures (RFC 6376; Ed25519 as RFC 8463), relaxed in headers and body."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

__all__ = ["ALGORITHMS", "Signer", "new_key", "public_record", "sign"]

ALGORITHMS = ("rsa-sha256", "ed25519-sha256")

# RFC 6376 §5.4.1; RFC 8058 §4 wants both unsubscribe headers covered. From stands twice, so that none can be added.
SIGNED = (
    b"from", b"to", b"reply-to", b"subject", b"date", b"message-id", b"mime-version", b"content-type",
    b"list-id", b"list-unsubscribe", b"list-unsubscribe-post", b"feedback-id",
)  # fmt: skip

_RUNS = re.compile(rb"[ \t]{2,}|\t")
_LINE_ENDS = re.compile(rb" +\r\n")
_FOLDS = re.compile(rb"\r\n[ \t]+")


@dataclass(frozen=True, slots=True)
class Signer:
    """A key of a domain (in ASCII, as the envelope has it), published at `<selector>._domainkey.<domain>`. `private` is PKCS #8 DER."""

    domain: str
    selector: str
    algorithm: str
    private: bytes = field(repr=False)


def new_key(algorithm: str) -> bytes:
    """A private key as PKCS #8 DER: RSA of 2048 bits, or Ed25519."""
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if algorithm == "rsa-sha256":
        key = rsa.generate_private_key(65537, 2048)
    elif algorithm == "ed25519-sha256":
        key = ed25519.Ed25519PrivateKey.generate()
    else:
        raise ValueError(f"no such algorithm: {algorithm}")
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_record(private: bytes) -> str:
    """The TXT record that publishes a key (RFC 6376 §3.6.1, RFC 8463 §4)."""
    public = _key(private).public_key()
    if isinstance(public, rsa.RSAPublicKey):
        encoded = public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return f"v=DKIM1; k=rsa; p={base64.b64encode(encoded).decode()}"
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"


def sign(message: bytes, signer: Signer) -> bytes:
    """The message with a DKIM-Signature before it. The same message and RSA key give the same bytes.

    `message` is RFC 5322 with CRLF, and has a body.
    """
    head, _, body = message.partition(b"\r\n\r\n")
    fields: dict[bytes, bytes] = {}
    for line in _FOLDS.sub(b" ", head).split(b"\r\n"):
        name, _, value = line.partition(b":")
        fields[name.lower()] = _RUNS.sub(b" ", value).strip()
    names = [name for name in SIGNED if name in fields]
    covered = b"".join(b"%s:%s\r\n" % (name, fields[name]) for name in names)
    body_hash = base64.b64encode(hashlib.sha256(_relaxed(body)).digest())
    listed = b":".join([*names, b"from"])
    tags = b"v=1; a=%s; c=relaxed/relaxed; d=%s; s=%s;\r\n h=%s;\r\n bh=%s;\r\n b=" % (
        signer.algorithm.encode(),
        signer.domain.encode(),
        signer.selector.encode(),
        b":\r\n  ".join(_lines(listed)),
        body_hash,
    )
    own = b"dkim-signature:" + _RUNS.sub(b" ", _FOLDS.sub(b" ", tags)).strip()
    signature = base64.b64encode(_signature(signer.private, covered + own))
    folded = b"\r\n  ".join(signature[at : at + 72] for at in range(0, len(signature), 72))
    return b"".join((b"DKIM-Signature: ", tags, folded, b"\r\n", message))


def _lines(listed: bytes) -> list[bytes]:
    """Header names, some to a line."""
    names = listed.split(b":")
    return [b":".join(names[at : at + 5]) for at in range(0, len(names), 5)]


def _relaxed(body: bytes) -> bytes:
    """RFC 6376 §3.4.4: runs of white space are one space, none ends a line, no empty lines at the end."""
    if b"  " in body or b"\t" in body:
        body = _RUNS.sub(b" ", body)
    if b" \r\n" in body:
        body = _LINE_ENDS.sub(b"\r\n", body)
    body = body.rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


def _signature(private: bytes, data: bytes) -> bytes:
    key = _key(private)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(hashlib.sha256(data).digest())


@lru_cache(maxsize=256)
def _key(private: bytes) -> rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey:
    key = serialization.load_der_private_key(private, None)
    if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise TypeError("DKIM signs with RSA or Ed25519")
    return key
