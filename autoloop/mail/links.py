"""Links in mail that work without signing in: opaque, signed, each good for one purpose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from autoloop.base.crypto import Keyring
from autoloop.mail.tracking.tokens import Tokens

__all__ = ["PURPOSES", "Link", "Links"]

# `unsubscribe` and `preferences` are in the mail itself; the other two come by mail when somebody asks for
# them, because a forwarded mail must not give a person's data away.
PURPOSES = ("unsubscribe", "preferences", "export", "erase")
MOST = 400


@lru_cache(maxsize=8)
def _keyring(keys: tuple[str, ...]) -> Keyring:
    return Keyring(keys)


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says. `until` is a Unix time in seconds; 0 for a link that does not end."""

    purpose: str
    workspace_id: UUID
    email_id: UUID
    until: int = 0


class Links:
    """Makes and reads the tokens of `/t/{token}`. The same email always gets the same tokens.

    `tokens` are those of tracked mail: its links and its picture.
    """

    def __init__(self, public_url: str, secret_keys: tuple[str, ...]) -> None:
        self._base = public_url
        self._keyring = _keyring(tuple(secret_keys))
        self.tokens = Tokens(public_url, self._keyring)

    def unsubscribe(self, workspace_id: UUID, email_id: UUID) -> str:
        """The address that the List-Unsubscribe header and the footer carry."""
        return f"{self._base}/t/{self.token('unsubscribe', workspace_id, email_id)}"

    def preferences(self, workspace_id: UUID, email_id: UUID) -> str:
        """Where the recipient of this email says what they want, and sees why they got it."""
        return f"{self._base}/t/{self.token('preferences', workspace_id, email_id)}/preferences"

    def confirm(self, purpose: str, workspace_id: UUID, email_id: UUID, until: int) -> str:
        """Where one's own data is taken or erased: sent by mail, good until a moment (Unix time)."""
        return f"{self._base}/t/{self.token(purpose, workspace_id, email_id, until)}"

    def token(self, purpose: str, workspace_id: UUID, email_id: UUID, until: int = 0) -> str:
        """The signed token itself."""
        payload = workspace_id.hex + email_id.hex + (f"{until:x}" if until else "")
        return self._keyring.sign(purpose, payload)

    def read(self, token: str) -> Link | None:
        """What a token of ours says, whatever its purpose; None for all others. Does not look at the time."""
        if len(token) > MOST or not token.isascii():
            return None
        for purpose in PURPOSES:
            payload = self._keyring.verify(purpose, token)
            if isinstance(payload, str) and len(payload) >= 64:
                ends = int(payload[64:], 16) if len(payload) > 64 else 0
                return Link(purpose, UUID(payload[:32]), UUID(payload[32:64]), ends)
        return None
