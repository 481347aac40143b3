"""SES as far as it is used: SigV4 worked out again, SendEmail read; and SNS, which signs with its own key."""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.vendors.server import Answer, Asked, Vendor, json_answer

__all__ = ["ACCESS_KEY", "REGION", "SECRET", "TOPIC", "FakeSes", "FakeSns"]

ACCESS_KEY, SECRET, REGION = "AKIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "eu-west-1"
TOPIC = f"arn:aws:sns:{REGION}:123456789012:mail-events"


def aws_error(status: int, name: str, text: str = "", **headers: str) -> Answer:
    """An error as the restJson protocol writes it."""
    return json_answer(status, {"message": text}, **{"x-amzn-ErrorType": name, **headers})


class FakeSes(Vendor):
    def __init__(self) -> None:
        super().__init__()
        self.mails: list[dict[str, Any]] = []

    @property
    def arrived(self) -> list[bytes]:
        return [base64.b64decode(mail["Content"]["Raw"]["Data"]) for mail in self.mails]

    def answer(self, asked: Asked) -> Answer:
        if not self._signed(asked):
            return aws_error(
                403, "SignatureDoesNotMatch", "The request signature we calculated does not match"
            )
        if (asked.method, asked.path) != ("POST", "/v2/email/outbound-emails"):
            return aws_error(404, "UnknownOperationException")
        mail = json.loads(asked.body)
        if set(mail) - {"FromEmailAddress", "Destination", "Content", "EmailTags", "ConfigurationSetName"}:
            return aws_error(400, "BadRequestException", "Unknown field")
        self.mails.append(mail)
        return json_answer(200, {"MessageId": f"0102-{len(self.mails):04}"})

    def _signed(self, asked: Asked) -> bool:
        """The signature is worked out anew from what arrived, with AWS's own signer."""
        kind, _, rest = asked.headers.get("authorization", "").partition(" ")
        given = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        day = asked.headers.get("x-amz-date", "")[:8]
        if kind != "AWS4-HMAC-SHA256" or given.get("Credential") != (
            f"{ACCESS_KEY}/{day}/{REGION}/ses/aws4_request"
        ):
            return False
        names = given["SignedHeaders"].split(";")
        if not {"host", "x-amz-date"} <= set(names):
            return False
        request = AWSRequest(
            asked.method,
            self.url + asked.target,
            headers={n: asked.headers[n] for n in names},
            data=asked.body,
        )
        request.context["timestamp"] = asked.headers["x-amz-date"]
        signer = SigV4Auth(Credentials(ACCESS_KEY, SECRET), "ses", REGION)
        told = signer.string_to_sign(request, signer.canonical_request(request))
        return bool(signer.signature(told, request) == given.get("Signature"))


class FakeSns:
    """Messages of a topic, signed as SNS does, with a certificate of its own."""

    def __init__(self, days: int = 30) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        self.url = f"https://sns.{REGION}.amazonaws.com/SimpleNotificationService-{secrets.token_hex(8)}.pem"
        now, name = dt.datetime.now(dt.UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns")])
        made = (
            x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=60))
            .not_valid_after(now + dt.timedelta(days=days))
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = made.public_bytes(serialization.Encoding.PEM)

    def message(self, message: Any, *, kind: str = "Notification", version: str = "2", **other: str) -> bytes:
        fields: dict[str, str] = {
            "Type": kind,
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": TOPIC,
            "Message": message if isinstance(message, str) else json.dumps(message),
            "Timestamp": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        if kind != "Notification":
            fields |= {
                "Token": "2336412f37",
                "SubscribeURL": f"https://sns.{REGION}.amazonaws.com/?Action=ConfirmSubscription"
                f"&TopicArn={TOPIC}&Token=2336412f37",
            }
        fields |= {"SignatureVersion": version, "SigningCertURL": self.url} | other
        return json.dumps(fields | {"Signature": self.sign(fields)}).encode()

    def sign(self, fields: dict[str, str]) -> str:
        names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        text = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)
        how = hashes.SHA1() if fields["SignatureVersion"] == "1" else hashes.SHA256()
        return base64.b64encode(self._key.sign(text.encode(), padding.PKCS1v15(), how)).decode()
