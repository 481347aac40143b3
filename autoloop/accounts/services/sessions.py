"""Sessions: started, recognised, renewed, ended."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select, text, update

from autoloop.accounts.models import Session
from autoloop.accounts.services.audit import InstanceAudit
from autoloop.accounts.tokens import Access, AccessTokens, RefreshTokens
from autoloop.base.crypto import digest
from autoloop.base.errors import NotFound
from autoloop.base.ids import new_id
from autoloop.base.services import Service

__all__ = ["GRACE", "Sessions", "Tokens"]

# Read at each request: text, for a statement put together anew costs as much as the database's part.
PERSON = text("""
select s.id session_id, u.id user_id, u.name, u.email, u.is_admin, u.timezone, u.locale
from sessions s join users u on u.id = s.user_id
where s.id = :id and s.epoch = :epoch and s.revoked_at is null and s.last_seen_at >= :oldest
  and u.deactivated_at is null""")

GRACE = timedelta(seconds=30)  # requests that were under way while another renewed


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the browser gets: values for its two cookies."""

    session_id: UUID
    access: str
    refresh: str


class Sessions(Service):
    @cached_property
    def _access(self) -> AccessTokens:
        return AccessTokens(self.settings.secret_keys)

    @cached_property
    def _refresh(self) -> RefreshTokens:
        return RefreshTokens(self.settings.secret_keys)

    @property
    def _oldest(self) -> datetime:
        """Sessions not used since then have ended."""
        return self.clock.now() - timedelta(days=self.settings.session_days)

    def start(self, user_id: UUID, *, method: str, user_agent: str = "", address: str = "") -> Tokens:
        """A new session of a person who has just proved who they are."""
        now, secret = self.clock.now(), self._refresh.first()
        row = Session(
            id=new_id(),
            user_id=user_id,
            method=method,
            refresh_hash=digest(secret),
            rotated_at=now,
            epoch=1,
            user_agent=user_agent[:300],
            address=address[:60],
            last_seen_at=now,
        )
        forgotten = self._oldest - timedelta(days=30)
        self.session.execute(
            delete(Session).where(Session.user_id == user_id, Session.last_seen_at < forgotten)
        )
        self.add(row)
        self.services(InstanceAudit).note(
            "session.started", user_id=user_id, subject=str(row.id), method=method
        )
        return self._tokens(row.id, row.epoch, secret)

    def recognise(self, access: str) -> Row[Any] | None:
        """The session and person an access token stands for, read now: one statement. None if it does not hold."""
        said = self._access.read(access, self.clock.now())
        return self._person(said) if said else None

    def renew(self, refresh: str) -> tuple[Row[Any], Tokens] | None:
        """A new pair of tokens for a refresh token. None if it does not hold.

        One that was replaced over 30 s ago has been copied: whoever sends it, the session ends.
        Call this in a transaction of its own: the answer's cookies must not be rolled back.
        """
        said = self._refresh.read(refresh)
        if said is None:
            return None
        session_id, secret = said
        now = self.clock.now()
        row = self.session.scalar(
            select(Session).where(Session.id == session_id).with_for_update(key_share=True)
        )
        if row is None or row.revoked_at is not None or row.last_seen_at < self._oldest:
            return None
        following = self._refresh.after(secret)
        if hmac.compare_digest(row.refresh_hash, digest(secret)):
            row.previous_hash, row.refresh_hash = row.refresh_hash, digest(following)
            row.rotated_at = row.last_seen_at = now
        elif not (
            row.previous_hash is not None
            and hmac.compare_digest(row.previous_hash, digest(secret))
            and now - row.rotated_at <= GRACE
        ):
            row.revoked_at = now
            self.services(InstanceAudit).note(
                "session.revoked",
                user_id=row.user_id,
                subject=str(row.id),
                why="a replaced token was used again",
            )
            self.session.flush()
            return None
        self.session.flush()
        person = self._person(Access(row.id, row.epoch))
        return (person, self._tokens(row.id, row.epoch, following)) if person is not None else None

    def of(self, user_id: UUID) -> list[Session]:
        """The person's sessions that hold, the one used last first."""
        query = select(Session).where(
            Session.user_id == user_id, Session.revoked_at.is_(None), Session.last_seen_at >= self._oldest
        )
        return list(
            self.session.scalars(query.order_by(Session.last_seen_at.desc(), Session.id.desc()).limit(200))
        )

    def end(self, user_id: UUID, session_id: UUID) -> None:
        """End one of the person's sessions, at once. Raises NotFound if it is not theirs."""
        found = self.session.scalar(
            update(Session)
            .where(Session.id == session_id, Session.user_id == user_id)
            .values(revoked_at=self.clock.now())
            .returning(Session.id)
        )
        if found is None:
            raise NotFound
        self.services(InstanceAudit).note("session.ended", user_id=user_id, subject=str(session_id))

    def end_others(self, user_id: UUID, session_id: UUID | None) -> int:
        """End all sessions of the person but this one. Returns how many."""
        query = update(Session).where(Session.user_id == user_id, Session.revoked_at.is_(None))
        if session_id is not None:
            query = query.where(Session.id != session_id)
        ended = len(
            self.session.scalars(query.values(revoked_at=self.clock.now()).returning(Session.id)).all()
        )
        if ended:
            self.services(InstanceAudit).note("session.others_ended", user_id=user_id, count=ended)
        return ended

    def restart(self, session_id: UUID) -> Tokens:
        """New tokens after rights or secrets changed; all that were given out before are worthless."""
        row = self.session.get(Session, session_id, with_for_update={"key_share": True})
        if row is None or row.revoked_at is not None:
            raise NotFound
        secret = self._refresh.first()
        row.epoch += 1
        row.refresh_hash, row.previous_hash = digest(secret), None
        row.rotated_at = row.last_seen_at = self.clock.now()
        self.session.flush()
        return self._tokens(row.id, row.epoch, secret)

    def _tokens(self, session_id: UUID, epoch: int, secret: str) -> Tokens:
        access = self._access.make(session_id, epoch, self.clock.now())
        return Tokens(session_id, access, self._refresh.make(session_id, secret))

    def _person(self, said: Access) -> Row[Any] | None:
        values = {"id": said.session_id, "epoch": said.epoch, "oldest": self._oldest}
        return self.session.execute(PERSON, values).one_or_none()
