"""Claim links: how the first person takes a fresh installation."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select

from autoloop.accounts.models import Claim, User
from autoloop.accounts.services.audit import InstanceAudit
from autoloop.accounts.services.users import Users
from autoloop.base.crypto import digest, new_token
from autoloop.base.errors import Conflict, NotFound
from autoloop.base.i18n import _
from autoloop.base.services import Service

__all__ = ["Claims"]

VALID = timedelta(hours=24)


class Claims(Service):
    def open_link(self, public_url: str) -> str | None:
        """A fresh link that works once within 24 hours; earlier ones stop working. None once there is an account."""
        if self.services(Users).any():
            return None
        now, token = self.clock.now(), new_token()
        self.session.execute(delete(Claim).where(Claim.used_at.is_(None)))
        self.add(Claim(token_hash=digest(token), expires_at=now + VALID, created_at=now))
        return f"{public_url.rstrip('/')}/auth/claim?token={token}"

    def holds(self, token: str) -> bool:
        """Would this token still be taken?"""
        return self._find(token) is not None and not self.services(Users).any()

    def take(self, token: str, *, email: str, name: str, password: str) -> User:
        """Use the link up: the first account, administrator of the installation.

        Raises NotFound (not ours, used, too old), Conflict (there is an account), Invalid.
        """
        row = self._find(token, lock=True)
        if row is None:
            raise NotFound(_("This link was used or is too old. Start AutoLoop again for a new one."))
        if self.services(Users).any():
            raise Conflict(
                _("This installation belongs to someone already. Sign in instead."), code="CLAIMED"
            )
        user = self.services(Users).create(email, name, password, is_admin=True)
        row.used_at = self.clock.now()
        self.session.flush()
        self.services(InstanceAudit).note("installation.claimed", user_id=user.id)
        return user

    def _find(self, token: str, *, lock: bool = False) -> Claim | None:
        query = select(Claim).where(
            Claim.token_hash == digest(token), Claim.used_at.is_(None), Claim.expires_at > self.clock.now()
        )
        return self.session.scalar(query.with_for_update() if lock else query)
