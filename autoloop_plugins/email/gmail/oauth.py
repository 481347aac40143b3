"""Google's OAuth: asking a person's leave, and turning the refresh token into access tokens."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

__all__ = ["SCOPES", "Access", "AccessTokens", "NotGranted", "Places", "consent_url", "redeem"]

# To send, and to see the headers of what was sent: no more is asked for.
SCOPES = (
    "https://www.googleapis.com/auth/gmail.send",
    "https://www.googleapis.com/auth/gmail.metadata",
)
EARLY = 60.0  # seconds before its end at which an access token is no longer used
SECONDS = 10.0
MOST = 1000


@dataclass(frozen=True, slots=True)
class Places:
    """Where Google is."""

    consent: str = "https://accounts.google.com/o/oauth2/v2/auth"
    token: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    api: str = "https://gmail.googleapis.com"


class NotGranted(Exception):
    """Google gives no token. `final` when only a person can change that, by connecting again."""

    def __init__(self, text: str, final: bool) -> None:
        super().__init__(text)
        self.final = final


@dataclass(frozen=True, slots=True)
class Access:
    token: str
    until: float


def consent_url(places: Places, client_id: str, redirect_uri: str, state: str, challenge: str) -> str:
    """Where a person says yes or no (RFC 7636, S256)."""
    asked = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": " ".join(SCOPES),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        # Without both of these Google gives a refresh token at the first consent only.
        "access_type": "offline",
        "prompt": "consent",
    }
    return f"{places.consent}?{urlencode(asked)}"


def redeem(
    places: Places, http: httpx.Client, config: Mapping[str, Any], code: str, verifier: str, redirect_uri: str
) -> str:
    """The refresh token for a code. Raises NotGranted."""
    answer = _ask(
        places,
        http,
        config,
        {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
        },
    )
    missing = set(SCOPES) - set(str(answer.get("scope", " ".join(SCOPES))).split())
    if missing:
        raise NotGranted("Google was not allowed to send, or to see what was sent; tick both boxes.", True)
    token = answer.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise NotGranted("Google gave no refresh token.", True)
    return token


class AccessTokens:
    """Access tokens of this process, each kept until shortly before it ends. Serves many threads."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Access] = {}
        self._lock = threading.Lock()

    def get(
        self, places: Places, http: httpx.Client, config: Mapping[str, Any], refused: str | None = None
    ) -> str:
        """A token that should be taken; never the one that was `refused`. Raises NotGranted."""
        if not config["refresh_token"]:
            raise NotGranted("Google is not connected yet: use “Connect Google”.", True)
        parts = (config["client_id"], config["client_secret"], config["refresh_token"])
        name = hashlib.sha256("\n".join(parts).encode()).digest()
        with self._lock:
            found = self._kept.get(name)
        if found is not None and found.token != refused and found.until > time.monotonic():
            return found.token
        asked = {"grant_type": "refresh_token", "refresh_token": config["refresh_token"]}
        answer = _ask(places, http, config, asked)
        token, seconds = answer.get("access_token"), answer.get("expires_in", 0)
        if not isinstance(token, str) or not token or not isinstance(seconds, int):
            raise NotGranted("Google's answer holds no access token.", False)
        with self._lock:
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[name] = Access(token, time.monotonic() + seconds - min(EARLY, seconds / 2))
        return token


def _ask(
    places: Places, http: httpx.Client, config: Mapping[str, Any], asked: Mapping[str, str]
) -> dict[str, Any]:
    client = {"client_id": config["client_id"], "client_secret": config["client_secret"]}
    try:
        answer = http.post(places.token, data={**client, **asked}, timeout=SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotGranted(f"Google cannot be reached: {type(error).__name__}", False) from None
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise NotGranted(f"Google answered {answer.status_code} and something strange.", False)
    if answer.status_code != 200:
        name = str(body.get("error", answer.status_code))[:100]
        if name == "invalid_grant":
            raise NotGranted("Google no longer knows this consent (invalid_grant): connect again.", True)
        raise NotGranted(f"Google refuses ({name}): {str(body.get('error_description', ''))[:200]}", False)
    return body
