"""Messages of Amazon SNS: whether one really comes from there, and from the topic that was named.

After https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from autoloop.plugins.email_events import Unverified

__all__ = ["MAX_AGE", "TOPIC", "Certificates", "confirmation_url", "verify"]

TOPIC = re.compile(r"arn:aws(?:-[a-z]+)*:sns:([a-z0-9-]{3,30}):\d{12}:[A-Za-z0-9_-]{1,256}\Z")
_HOST = r"https://sns\.{region}\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE = _HOST + r"/[A-Za-z0-9._-]{{1,200}}\.pem\Z"
_CONFIRMATION = _HOST + r"/\?[A-Za-z0-9%&=._:~-]{{1,2000}}\Z"

NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED: dict[str, tuple[str, ...]] = {
    "Notification": NOTIFICATION,
    "SubscriptionConfirmation": CONFIRMATION,
    "UnsubscribeConfirmation": CONFIRMATION,
}
MAX_AGE = timedelta(days=1)  # SNS tries again for an hour; a queue before it may hold messages longer
MOST_CERTIFICATES = 32

Fetch = Callable[[str], bytes]


class Certificates:
    """Certificates by address, kept while they are valid. One serves many threads."""

    def __init__(self) -> None:
        self._kept: dict[str, x509.Certificate] = {}
        self._lock = threading.Lock()

    def get(self, url: str, fetch: Fetch, now: datetime) -> x509.Certificate:
        """Raises Unverified for what is no certificate or is not valid now."""
        found = self._kept.get(url)
        if found is None:
            try:
                found = x509.load_pem_x509_certificate(fetch(url))
            except ValueError:
                raise Unverified("the signing certificate cannot be read") from None
        if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
            raise Unverified("the signing certificate is not valid now")
        with self._lock:
            while len(self._kept) >= MOST_CERTIFICATES:
                del self._kept[next(iter(self._kept))]
            self._kept[url] = found
        return found


def verify(
    given: Mapping[str, object], topic: str, certificates: Certificates, fetch: Fetch, now: datetime
) -> dict[str, str]:
    """The signed fields of a genuine message of the topic, as texts. Raises Unverified."""
    match = TOPIC.match(topic)
    names = SIGNED.get(str(given.get("Type")))
    if match is None or names is None:
        raise Unverified("the message has no type that SNS has")
    fields = {name: given.get(name) for name in names}
    if fields.get("Subject") is None:
        fields.pop("Subject", None)
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    if len(texts) != len(fields):
        raise Unverified("a signed field is missing")
    if texts["TopicArn"] != topic:
        raise Unverified("it is of another topic")
    url = given.get("SigningCertURL")
    pattern = _CERTIFICATE.format(region=re.escape(match[1]))
    if not isinstance(url, str) or not re.match(pattern, url):
        raise Unverified("its certificate is not at SNS in the topic's region")
    if abs(now - _moment(texts["Timestamp"])) > MAX_AGE:
        raise Unverified("it is too old")
    version = given.get("SignatureVersion")
    if version not in ("1", "2"):
        raise Unverified("its signature is of an unknown version")
    key = certificates.get(url, fetch, now).public_key()
    if not isinstance(key, RSAPublicKey):
        raise Unverified("the signing certificate has a key of another kind")
    signed = "".join(f"{name}\n{texts[name]}\n" for name in names if name in texts)
    try:
        signature = base64.b64decode(str(given.get("Signature", "")), validate=True)
        # SNS still signs with SHA-1 unless the topic was set to version 2.
        key.verify(signature, signed.encode(), PKCS1v15(), SHA1() if version == "1" else SHA256())  # noqa: S303
    except (InvalidSignature, binascii.Error, ValueError):
        raise Unverified("its signature is not right") from None
    return texts


def confirmation_url(fields: Mapping[str, str], topic: str) -> str:
    """Where a verified SubscriptionConfirmation is confirmed. Raises Unverified for any other place."""
    match = TOPIC.match(topic)
    url = fields["SubscribeURL"]
    if match is None or not re.match(_CONFIRMATION.format(region=re.escape(match[1])), url):
        raise Unverified("its confirmation is not at SNS in the topic's region")
    return url


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Unverified("its time cannot be read") from None
    if found.tzinfo is None:
        raise Unverified("its time has no zone")
    return found
