"""Links in mail that work without signing in: opaque, signed, good for one purpose."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from autoloop.base.crypto import Keyring

__all__ = ["Links"]

PURPOSE = "unsubscribe"


@lru_cache(maxsize=8)
def _keyring(keys: tuple[str, ...]) -> Keyring:
    return Keyring(keys)


class Links:
    """Makes and reads the tokens of `/t/{token}`. The same email always gets the same token."""

    def __init__(self, public_url: str, secret_keys: tuple[str, ...]) -> None:
        self._base = public_url
        self._keyring = _keyring(tuple(secret_keys))

    def unsubscribe(self, workspace_id: UUID, email_id: UUID) -> str:
        """The address that the List-Unsubscribe header and the footer carry."""
        token = self._keyring.sign(PURPOSE, workspace_id.hex + email_id.hex)
        return f"{self._base}/t/{token}"

    def read_unsubscribe(self, token: str) -> tuple[UUID, UUID] | None:
        """(workspace, email) of a token that we made, else None."""
        payload = self._keyring.verify(PURPOSE, token)
        if not isinstance(payload, str) or len(payload) != 64:
            return None
        return UUID(payload[:32]), UUID(payload[32:])
