"""From a token to its webhook: read once, held in memory, checked again in the transaction that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import text

from autoloop.base.crypto import Keyring, digest
from autoloop.engine.hooks.accepting import Hook

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["SECRETS", "Opening"]

SECRETS = "incoming hooks"
MOST = 5_000

TOKEN = text("select workspace_id, target_id from hook_tokens where token_hash = :hash and kind = 'hook'")
HOOK = text("""
select workspace_id, id, updated_at, scheme, header, secret, mapping, creates, event_id_path
from incoming_hooks where workspace_id = :workspace and id = :id and is_active""")


class Opening:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._keys = Keyring(runtime.settings.secret_keys)
        self._held: dict[bytes, Hook] = {}
        self._secrets: dict[tuple[UUID, object], bytes] = {}

    def find(self, token: str, *, afresh: bool = False) -> Hook | None:
        """The webhook that a token opens. What is held may have changed: the writer finds out."""
        key = digest(token)
        held = None if afresh else self._held.get(key)
        if held is not None:
            return held
        self._held.pop(key, None)
        found = self._read(key)
        if found is not None:
            if len(self._held) >= MOST:
                self._held.clear()
            self._held[key] = found
        return found

    def secret(self, hook: Hook) -> bytes:
        """The secret in the clear. A webhook whose secret cannot be opened trusts nobody."""
        key = (hook.id, hook.updated_at)
        if key not in self._secrets:
            if len(self._secrets) >= MOST:
                self._secrets.clear()
            self._secrets[key] = self._keys.open(SECRETS, hook.secret or b"")
        return self._secrets[key]

    def _read(self, key: bytes) -> Hook | None:
        with self._runtime.unit("web") as services:
            token = services.session.execute(TOKEN, {"hash": key}).one_or_none()
            if token is None:
                return None
            services.enter(token.workspace_id)
            values = {"workspace": token.workspace_id, "id": token.target_id}
            row = services.session.execute(HOOK, values).one_or_none()
        if row is None:
            return None
        return Hook(
            row.workspace_id,
            row.id,
            row.updated_at,
            row.scheme,
            row.header,
            bytes(row.secret) if row.secret is not None else None,
            row.mapping,
            row.creates,
            row.event_id_path,
        )
