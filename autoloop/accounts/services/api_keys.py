"""API keys: shown once, kept hashed, bound to one workspace and one person."""

from __future__ import annotations

import hmac
import re
import secrets
import string
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, or_, select, text

from autoloop.accounts.models import ApiKey, User
from autoloop.base.crypto import digest
from autoloop.base.errors import Invalid, NotFound
from autoloop.base.i18n import _
from autoloop.base.services import Service

__all__ = ["SCOPES", "ApiKeys"]

SCOPES = ("read", "write")
SHAPE = re.compile(r"al_([a-z0-9]{8})_([A-Za-z0-9]{40})\Z")
LETTERS = string.ascii_letters + string.digits
MOST = 200  # keys of one workspace that work at the same time

# Read at each request: text, for a statement put together anew costs as much as the database's part.
KNOWN = text("""
select k.id key_id, k.workspace_id, k.secret_hash, k.scopes, k.expires_at, k.revoked_at, k.last_used_at,
  u.id user_id, u.name, u.email, u.is_admin, u.timezone, u.locale
from api_keys k join users u on u.id = k.user_id where k.prefix = :prefix and u.deactivated_at is null""")

# Skips the row while another request notes the same: a busy key must not make its requests queue.
TOUCH = text("""
update api_keys set last_used_at = :now where id in (
    select id from api_keys where id = :id and (last_used_at is null or last_used_at < :before)
    for no key update skip locked)""")


class ApiKeys(Service):
    def create(
        self,
        name: str,
        scopes: Sequence[str],
        expires_at: datetime | None = None,
        *,
        user_id: UUID | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key of this workspace, and its text: the only time that it exists. Raises Invalid."""
        owner = user_id or self.services.user_id
        if owner is None:
            raise LookupError("a key needs a person")
        if not name.strip():
            raise Invalid(details={"name": [_("Give the key a name.")]})
        self._check(scopes, expires_at)
        prefix = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _each in range(8))
        secret = "".join(secrets.choice(LETTERS) for _each in range(40))
        row = ApiKey(
            workspace_id=self.workspace_id,
            user_id=owner,
            name=name.strip(),
            prefix=prefix,
            secret_hash=digest(secret),
            scopes=[scope for scope in SCOPES if scope in scopes],
            expires_at=expires_at,
            created_at=self.clock.now(),
        )
        self.add(row)
        return row, f"al_{prefix}_{secret}"

    def _check(self, scopes: Sequence[str], expires_at: datetime | None) -> None:
        if not scopes or set(scopes) - set(SCOPES):
            raise Invalid(details={"scopes": [_("Choose from: read, write.")]})
        if expires_at is not None and expires_at <= self.clock.now():
            raise Invalid(details={"expires_at": [_("This lies in the past.")]})
        working = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > self.clock.now())
        mine = ApiKey.workspace_id == self.workspace_id
        held = select(ApiKey.id).where(mine, ApiKey.revoked_at.is_(None), working)
        if len(self.session.scalars(held.limit(MOST)).all()) >= MOST:
            raise Invalid(_("A workspace has at most ${n} keys. Revoke one first.", mapping={"n": MOST}))

    def rows(self) -> Select[Any]:
        """This workspace's keys with the name of whom each acts for."""
        return (
            select(
                ApiKey.id,
                ApiKey.name,
                ApiKey.prefix,
                ApiKey.scopes,
                ApiKey.created_at,
                ApiKey.expires_at,
                ApiKey.last_used_at,
                ApiKey.revoked_at,
                ApiKey.user_id,
                User.name.label("user_name"),
            )
            .join(User, User.id == ApiKey.user_id)
            .where(ApiKey.workspace_id == self.workspace_id)
        )

    def find(self, id: UUID) -> Row[Any] | None:
        return self.session.execute(self.rows().where(ApiKey.id == id)).one_or_none()

    def revoke(self, id: UUID) -> ApiKey:
        """From the next request on the key is refused. Doing it twice is fine. Raises NotFound."""
        row = self.session.scalar(
            select(ApiKey).where(ApiKey.workspace_id == self.workspace_id, ApiKey.id == id)
        )
        if row is None:
            raise NotFound
        row.revoked_at = row.revoked_at or self.clock.now()
        self.session.flush()
        return row

    def revoke_of(self, user_id: UUID) -> int:
        """Revoke a person's keys to this workspace. Returns how many."""
        query = select(ApiKey).where(
            ApiKey.workspace_id == self.workspace_id, ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None)
        )
        rows = self.session.scalars(query).all()
        for row in rows:
            row.revoked_at = self.clock.now()
        self.session.flush()
        return len(rows)

    def recognise(self, given: str) -> Row[Any] | None:
        """The key and its person, if it holds now: one statement, and a note of its use once a minute."""
        shape = SHAPE.match(given)
        if shape is None:
            return None
        now = self.clock.now()
        row = self.session.execute(KNOWN, {"prefix": shape[1]}).one_or_none()
        if row is None or not hmac.compare_digest(row.secret_hash, digest(shape[2])):
            return None
        if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
            return None
        before = now - timedelta(minutes=1)
        if row.last_used_at is None or row.last_used_at < before:
            self.session.execute(TOUCH, {"id": row.key_id, "now": now, "before": before})
        return row
