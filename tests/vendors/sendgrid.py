"""SendGrid: mail/send with its documented checks, and an event webhook that signs."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.vendors.server import Answer, Asked, Vendor, json_answer

__all__ = ["API_KEY", "EventWebhook", "FakeSendgrid"]

API_KEY = "SG.test.key"
RESERVED = (
    *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"),
    *("to", "from", "subject", "reply-to", "cc", "bcc"),
)
KNOWN = {
    *("personalizations", "from", "reply_to", "subject", "content", "attachments", "headers", "custom_args"),
    *("tracking_settings", "mail_settings", "categories", "send_at", "batch_id", "asm", "ip_pool_name"),
}


class FakeSendgrid(Vendor):
    def __init__(self) -> None:
        super().__init__()
        self.mails: list[dict[str, Any]] = []

    @property
    def arrived(self) -> list[bytes]:
        """Each plain mail as the message it was made of."""
        return [
            b"".join(
                (
                    f"Message-ID: {mail['headers']['Message-ID']}\r\n".encode(),
                    f"To: {mail['personalizations'][0]['to'][0]['email']}\r\n".encode(),
                    f"Subject: {mail['subject']}\r\n\r\n".encode(),
                    mail["content"][0]["value"].encode(),
                )
            )
            for mail in self.mails
        ]

    def answer(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {API_KEY}":
            return json_answer(401, {"errors": [{"message": "The provided authorization grant is invalid"}]})
        if (asked.method, asked.path) != ("POST", "/v3/mail/send"):
            return json_answer(404, {"errors": [{"message": "not found"}]})
        mail = json.loads(asked.body)
        wrong = self._wrong(mail)
        if wrong:
            return json_answer(
                400, {"errors": [{"message": wrong, "field": wrong.split(" ")[0], "help": None}]}
            )
        self.mails.append(mail)
        return Answer(202, b"", {"X-Message-Id": f"id-{len(self.mails)}"})

    def _wrong(self, mail: dict[str, Any]) -> str | None:
        if set(mail) - KNOWN:
            return "Additional property not allowed"
        if {name.lower() for name in mail.get("headers", {})} & set(RESERVED):
            return "headers cannot be one of the reserved keys"
        kinds = [part["type"] for part in mail["content"]]
        if kinds not in (["text/plain"], ["text/html"], ["text/plain", "text/html"]):
            return "content must have text/plain before text/html"
        if not all(part["value"] for part in mail["content"]) or not mail["subject"]:
            return "content value must be a string at least one character in length"
        return None


class EventWebhook:
    """Signs events as SendGrid does."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.public = base64.b64encode(public).decode()

    def headers(self, body: bytes, at: float | None = None) -> dict[str, str]:
        stamp = str(int(time.time() if at is None else at))
        signature = self._key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
            "Content-Type": "application/json",
        }
