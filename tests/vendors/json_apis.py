"""Mailgun, Postmark and Resend: what they check of a request, and webhooks as they send them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tests.vendors.server import Answer, Asked, Vendor, json_answer

__all__ = ["FakeMailgun", "FakePostmark", "FakeResend", "mailgun_call", "postmark_call", "resend_call"]

KEY = "test-key"
SIGNING_KEY = "signing-key"
PASSWORD = "a password of both"
SVIX = "whsec_" + base64.b64encode(b"a secret of both").decode()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class FakeMailgun(Vendor):
    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[bytes] = []
        self.fields: list[dict[str, str]] = []

    def answer(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != basic("api", KEY):
            return Answer(401, b"Forbidden")
        if (asked.method, asked.path) != ("POST", "/v3/mg.example.com/messages.mime"):
            return json_answer(404, {"message": "Domain not found"})
        head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
        form = BytesParser(policy=HTTP).parsebytes(head + asked.body)
        fields = {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in form.iter_parts()  # type: ignore[attr-defined]
        }
        # The parser takes the part's lines apart; the octets themselves are cut out of the body.
        boundary = form.get_boundary().encode()  # type: ignore[union-attr]
        file = next(part for part in asked.body.split(b"--" + boundary) if b'name="message"' in part)
        if not fields.get("to"):
            return json_answer(400, {"message": "to parameter is missing"})
        self.arrived.append(file.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n"))
        self.fields.append({name: value.decode() for name, value in fields.items() if name != "message"})
        return json_answer(
            200, {"id": f"<{len(self.arrived)}@mg.example.com>", "message": "Queued. Thank you."}
        )


def plain(headers: dict[str, str], to: str, subject: str, text: str) -> bytes:
    """A plain mail as the message it was made of."""
    head = f"Message-ID: {headers['Message-ID']}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n"
    return (head + text).encode()


class FakePostmark(Vendor):
    def __init__(self) -> None:
        super().__init__()
        self.mails: list[dict[str, Any]] = []

    @property
    def arrived(self) -> list[bytes]:
        return [
            plain({h["Name"]: h["Value"] for h in m["Headers"]}, m["To"], m["Subject"], m["TextBody"])
            for m in self.mails
        ]

    def answer(self, asked: Asked) -> Answer:
        if asked.headers.get("x-postmark-server-token") != KEY:
            return json_answer(401, {"ErrorCode": 10, "Message": "No Account or Server API tokens"})
        assert (asked.method, asked.path) == ("POST", "/email")
        mail = json.loads(asked.body)
        names = {header["Name"].lower() for header in mail["Headers"]}
        if names & {"from", "to", "subject", "reply-to", "dkim-signature"} or "x-pm-keepid" not in names:
            return json_answer(422, {"ErrorCode": 300, "Message": "Invalid headers"})
        self.mails.append(mail)
        return json_answer(200, {"ErrorCode": 0, "Message": "OK", "MessageID": f"id-{len(self.mails)}"})


class FakeResend(Vendor):
    """It delivers nothing twice that comes with the same Idempotency-Key."""

    def __init__(self) -> None:
        super().__init__()
        self.by_key: dict[str, dict[str, Any]] = {}

    @property
    def mails(self) -> list[dict[str, Any]]:
        return list(self.by_key.values())

    @property
    def arrived(self) -> list[bytes]:
        return [plain(m["headers"], m["to"][0], m["subject"], m["text"]) for m in self.mails]

    def answer(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return json_answer(403, {"name": "invalid_api_key", "message": "API key is invalid"})
        assert (asked.method, asked.path) == ("POST", "/emails")
        mail, key = json.loads(asked.body), asked.headers["idempotency-key"]
        if self.by_key.setdefault(key, mail) != mail:
            return json_answer(409, {"name": "invalid_idempotent_request", "message": "another payload"})
        return json_answer(200, {"id": f"id-{list(self.by_key).index(key) + 1}"})


Call = tuple[dict[str, str], bytes]


def mailgun_call(event: dict[str, Any], at: float | None = None, key: str = SIGNING_KEY) -> Call:
    stamp, token = str(int(time.time() if at is None else at)), secrets.token_hex(25)
    signature = hmac.new(key.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    body = {"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": event}
    return {"Content-Type": "application/json"}, json.dumps(body).encode()


def postmark_call(event: dict[str, Any], at: float | None = None, key: str = PASSWORD) -> Call:
    return {"Content-Type": "application/json", "Authorization": basic("autoloop", key)}, json.dumps(
        event
    ).encode()


def resend_call(event: dict[str, Any], at: float | None = None, key: str = SVIX) -> Call:
    body, id = (
        json.dumps(event).encode(),
        "msg_" + hashlib.sha256(json.dumps(event).encode()).hexdigest()[:20],
    )
    stamp = str(int(time.time() if at is None else at))
    secret = base64.b64decode(key.removeprefix("whsec_"))
    signature = hmac.new(secret, f"{id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    signed = {
        "svix-id": id,
        "svix-timestamp": stamp,
        "svix-signature": "v1,AA== v1," + base64.b64encode(signature).decode(),
    }
    return {"Content-Type": "application/json", **signed}, body
