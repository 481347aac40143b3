"""Google as far as it is used: consent with PKCE, tokens that end, sending, and the list of what was sent."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from email.parser import BytesHeaderParser
from urllib.parse import parse_qs

from tests.vendors.server import Answer, Asked, Vendor, json_answer

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "FakeGoogle", "google_error"]

CLIENT_ID, CLIENT_SECRET = "123.apps.googleusercontent.com", "GOCSPX-secret"
GRANTED = "https://www.googleapis.com/auth/gmail.send https://www.googleapis.com/auth/gmail.metadata"


def google_error(status: int, reason: str, message: str = "", **headers: str) -> Answer:
    body = {
        "code": status,
        "message": message or reason,
        "errors": [{"reason": reason, "domain": "usageLimits"}],
    }
    return json_answer(status, {"error": body}, **headers)


class FakeGoogle(Vendor):
    def __init__(self) -> None:
        super().__init__()
        self.granted = GRANTED
        self.seconds = 3599
        self.refresh_tokens: set[str] = set()
        self.access: dict[str, float] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.sent: list[tuple[str, bytes]] = []

    @property
    def arrived(self) -> list[bytes]:
        return [data for _, data in self.sent]

    def connect(self) -> str:
        """A refresh token, as if a person had said yes before."""
        token = f"1//{secrets.token_urlsafe(8)}"
        self.refresh_tokens.add(token)
        return token

    def consent(self, query: dict[str, str]) -> dict[str, str]:
        """A person says yes at the consent address; what the callback is given."""
        assert query["client_id"] == CLIENT_ID
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert (query["access_type"], query["prompt"]) == ("offline", "consent")
        assert set(query["scope"].split()) == set(GRANTED.split())
        code = f"4/{secrets.token_urlsafe(8)}"
        self.codes[code] = query
        return {"code": code, "state": query["state"], "scope": self.granted}

    def forget_access(self) -> None:
        """Every access token ends at once."""
        self.access.clear()

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/token":
            return self._token({name: values[0] for name, values in parse_qs(asked.body.decode()).items()})
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or self.access.get(token, 0) < time.monotonic():
            return google_error(401, "authError", "Invalid Credentials")
        if (asked.method, asked.path) == ("POST", "/upload/gmail/v1/users/me/messages/send"):
            if asked.query != {"uploadType": "media"} or asked.headers["content-type"] != "message/rfc822":
                return google_error(400, "badRequest")
            self.sent.append((f"18c{len(self.sent):013x}", asked.body))
            return json_answer(200, {"id": self.sent[-1][0], "threadId": "1", "labelIds": ["SENT"]})
        return self._read(asked)

    def _token(self, given: dict[str, str]) -> Answer:
        if (given.get("client_id"), given.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return json_answer(401, {"error": "invalid_client"})
        answer = {"expires_in": self.seconds, "token_type": "Bearer", "scope": self.granted}
        if given["grant_type"] == "authorization_code":
            asked = self.codes.pop(given["code"], None)
            challenge = base64.urlsafe_b64encode(hashlib.sha256(given["code_verifier"].encode()).digest())
            if (
                asked is None
                or asked["redirect_uri"] != given["redirect_uri"]
                or asked["code_challenge"] != challenge.rstrip(b"=").decode()
            ):
                return json_answer(400, {"error": "invalid_grant"})
            answer["refresh_token"] = self.connect()
        elif given.get("refresh_token") not in self.refresh_tokens:
            return json_answer(
                400, {"error": "invalid_grant", "error_description": "Token has been revoked."}
            )
        token = f"ya29.{secrets.token_urlsafe(12)}"
        self.access[token] = time.monotonic() + self.seconds
        return json_answer(200, answer | {"access_token": token})

    def _read(self, asked: Asked) -> Answer:
        if asked.path == "/gmail/v1/users/me/messages":
            if "q" in asked.query:  # as Google does for the scope that sees headers only
                return google_error(403, "forbidden", "Metadata scope does not support 'q' parameter")
            start, size = int(asked.query.get("pageToken", "0")), int(asked.query["maxResults"])
            newest = [id for id, _ in reversed(self.sent)]
            body = {"messages": [{"id": id, "threadId": "1"} for id in newest[start : start + size]]}
            more = {"nextPageToken": str(start + size)} if start + size < len(newest) else {}
            return json_answer(200, body | more)
        data = dict(self.sent).get(asked.path.rpartition("/")[2])
        if data is None or asked.query.get("format") != "metadata":
            return google_error(404, "notFound")
        headers = BytesHeaderParser().parsebytes(data)
        # Gmail writes its own Message-ID.
        headers.replace_header("Message-ID", f"<CA{secrets.token_hex(8)}@mail.gmail.com>")
        wanted = asked.query["metadataHeaders"].lower()
        found = [{"name": name, "value": value} for name, value in headers.items() if name.lower() == wanted]
        return json_answer(200, {"id": asked.path.rpartition("/")[2], "payload": {"headers": found}})
