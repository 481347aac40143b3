"""Signatures of incoming webhooks, by scheme. All are compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

__all__ = ["key_of", "verify"]

TOLERANCE = 300  # seconds; Standard Webhooks 1.0.0, "Verifying signatures"
Headers = Mapping[str, str]


def verify(
    scheme: str, header: str | None, secret: bytes, headers: Headers, body: bytes, now: datetime
) -> bool:
    """Did the holder of the secret send this?

    `standard`: Standard Webhooks 1.0.0. `github`: hex HMAC-SHA-256 of the body in X-Hub-Signature-256, or
    in the header named. `plain`: the header holds the secret itself.
    """
    if scheme == "standard":
        return _standard(secret, headers, body, now)
    if scheme == "github":
        given = headers.get(header or "X-Hub-Signature-256", "").removeprefix("sha256=")
        return _same(given.lower(), hmac.new(secret, body, hashlib.sha256).hexdigest())
    given = headers.get(header or "X-Webhook-Secret", "")
    return _same(given.removeprefix("Bearer "), secret.decode(errors="replace"))


def _standard(secret: bytes, headers: Headers, body: bytes, now: datetime) -> bool:
    id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not id or not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        return False
    if abs(now.timestamp() - int(stamp)) > TOLERANCE:
        return False
    text = secret.decode(errors="replace")
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = secret
    signed = hmac.new(key, f"{id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    wanted = base64.b64encode(signed).decode()
    given = [each.partition(",") for each in headers.get("webhook-signature", "").split(" ")[:10]]
    return any(version == "v1" and _same(signature, wanted) for version, _, signature in given)


def key_of(scheme: str, headers: Headers) -> str | None:
    """The id that a scheme gives to each delivery; the same one again is a repetition."""
    name = {"standard": "webhook-id", "github": "X-GitHub-Delivery"}.get(scheme)
    return headers.get(name) if name else None


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode("utf-8", "replace"))
