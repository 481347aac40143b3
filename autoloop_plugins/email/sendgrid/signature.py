"""The signature of SendGrid's Event Webhook: ECDSA P-256 over the timestamp and the body."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

__all__ = ["MAX_AGE", "SIGNATURE", "TIMESTAMP", "public_key", "signed"]

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
# SendGrid tries a webhook again for a day.
MAX_AGE = timedelta(hours=25)


def public_key(text: str) -> EllipticCurvePublicKey:
    """The verification key as the Mail Settings show it: base64 of a DER key. Raises ValueError."""
    try:
        key = load_der_public_key(base64.b64decode("".join(text.split()), validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, EllipticCurvePublicKey):
        return key
    raise ValueError("It is no verification key of SendGrid.")


def signed(key: str, timestamp: str, signature: str, body: bytes, now: datetime) -> bool:
    """Whether SendGrid signed this body, and not too long ago."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    if abs(now.timestamp() - int(timestamp)) > MAX_AGE.total_seconds():
        return False
    try:
        given = base64.b64decode(signature, validate=True)
        public_key(key).verify(given, timestamp.encode() + body, ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
