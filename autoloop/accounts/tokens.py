"""The tokens of a session: a short access JWT that names the row, and the secret that renews it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from autoloop.base.crypto import Keyring, new_token

__all__ = ["ACCESS", "Access", "AccessTokens", "RefreshTokens"]

ACCESS = timedelta(minutes=10)
ALGORITHM = "HS256"
PURPOSE = "access"


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token says. Whether it still holds, the session's row decides."""

    session_id: UUID
    epoch: int


class AccessTokens:
    """JWTs of one algorithm, signed by a key derived from the newest secret; `kid` names which."""

    def __init__(self, secrets: Sequence[str]) -> None:
        keyring = Keyring(secrets)
        derived = [keyring.derive(PURPOSE, index) for index in range(len(secrets))]
        self._newest = _kid(derived[0])
        self._keys = {_kid(key): OctKey.import_key(key) for key in derived}

    def make(self, session_id: UUID, epoch: int, now: datetime) -> str:
        issued = int(now.timestamp())
        claims = {
            "sid": str(session_id),
            "epoch": epoch,
            "iat": issued,
            "exp": issued + int(ACCESS.total_seconds()),
        }
        return jwt.encode({"alg": ALGORITHM, "kid": self._newest}, claims, self._keys[self._newest])

    def read(self, token: str, now: datetime) -> Access | None:
        """What the token says, or None: forged, of another key or algorithm, or past its time."""
        try:
            decoded = jwt.decode(token, self._key, algorithms=[ALGORITHM])
            if int(decoded.claims["exp"]) <= now.timestamp():
                return None
            return Access(UUID(decoded.claims["sid"]), int(decoded.claims["epoch"]))
        except (JoseError, ValueError, KeyError, TypeError):
            return None

    def _key(self, obj: jwt.GuestProtocol) -> OctKey:
        return self._keys[obj.headers()["kid"]]


def _kid(key: bytes) -> str:
    return hashlib.sha256(b"kid:" + key).hexdigest()[:16]


class RefreshTokens:
    """`<session>.<secret>` under our signature; only a hash of the secret is kept.

    The signature tells an old secret of ours, which ends the session, from a made-up one, which
    must not. The next secret derives from the present one: requests that renew at the same moment
    all get the same, and none is left with one that is not in the row.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keyring = Keyring(secrets)

    def make(self, session_id: UUID, secret: str) -> str:
        return self._keyring.sign("refresh", [session_id.hex, secret])

    def read(self, token: str) -> tuple[UUID, str] | None:
        found = self._keyring.verify("refresh", token)
        if isinstance(found, list) and len(found) == 2:
            return UUID(found[0]), str(found[1])
        return None

    def first(self) -> str:
        return new_token()

    def after(self, secret: str) -> str:
        return hmac.new(self._keyring.derive("refresh next"), secret.encode(), "sha256").hexdigest()
