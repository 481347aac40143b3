"""Accounts: made, found, changed."""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError

from autoloop.accounts import passwords
from autoloop.accounts.models import User
from autoloop.accounts.services.audit import InstanceAudit
from autoloop.base.errors import Conflict, Invalid, NotFound
from autoloop.base.i18n import _
from autoloop.base.services import Service
from autoloop.base.zones import is_zone

__all__ = ["Users", "normal_email"]

EMAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]\x00-\x1f\x7f]{1,64}@[^\s@<>\"(),:;\\\[\]\x00-\x1f\x7f]{1,250}\Z")
CHANGEABLE = frozenset({"name", "timezone", "locale"})


def normal_email(email: str) -> str:
    """The form in which an address is kept and compared. Raises Invalid if it is none."""
    normal = unicodedata.normalize("NFKC", email.strip()).lower()
    # Only what PostgreSQL's lower() leaves alone may be stored; it may know fewer letters than Python.
    if len(normal) > 254 or not EMAIL.match(normal) or ".." in normal or normal.endswith("."):
        raise Invalid(details={"email": [_("This is no email address.")]})
    return normal


class Users(Service):
    def create(self, email: str, name: str, password: str | None, *, is_admin: bool = False) -> User:
        """A new account. Raises Invalid (password, email) and Conflict (the address has one)."""
        email, name = normal_email(email), name.strip()
        if not name:
            name = email.partition("@")[0]
        if password is not None:
            _accept(password, email, name)
        user = User(
            email=email,
            name=name,
            password_hash=passwords.hashed(password) if password is not None else None,
            is_admin=is_admin,
        )
        try:
            with self.session.begin_nested():
                self.add(user)
        except IntegrityError:
            raise Conflict(
                _("There is an account with this address already."),
                code="EMAIL_TAKEN",
                details={"email": [_("There is an account with this address already.")]},
            ) from None
        self.services(InstanceAudit).note("user.created", subject=str(user.id), is_admin=is_admin)
        return user

    def get(self, id: UUID) -> User:
        user = self.session.get(User, id)
        if user is None:
            raise NotFound
        return user

    def by_email(self, email: str) -> User | None:
        return self.session.scalar(select(User).where(User.email == normal_email(email)))

    def any(self) -> bool:
        """Does the installation have an account at all?"""
        return bool(self.session.scalar(select(exists().where(User.id.is_not(None)))))

    def change(self, user: User, changes: dict[str, Any]) -> User:
        """Change name, time zone or locale. Raises Invalid."""
        if set(changes) - CHANGEABLE:
            raise ValueError(f"not changeable: {sorted(set(changes) - CHANGEABLE)}")
        if "timezone" in changes and not is_zone(self.session, changes["timezone"]):
            raise Invalid(details={"timezone": [_("There is no such time zone.")]})
        if "name" in changes and not changes["name"].strip():
            raise Invalid(details={"name": [_("Give your name.")]})
        for field, value in changes.items():
            setattr(user, field, value)
        self.session.flush()
        return user

    def set_password(self, user: User, password: str) -> None:
        """A new password, already allowed to be set. Raises Invalid. Ends no sessions by itself."""
        _accept(password, user.email, user.name)
        user.password_hash = passwords.hashed(password)
        self.session.flush()
        self.services(InstanceAudit).note("user.password_changed", subject=str(user.id))

    def deactivate(self, user: User) -> None:
        """Shut an account out at once: its sessions and keys are refused from the next request on."""
        user.deactivated_at = self.clock.now()
        self.session.flush()
        self.services(InstanceAudit).note("user.deactivated", subject=str(user.id))


def _accept(password: str, email: str, name: str) -> None:
    faults = passwords.faults(password, email=email, name=name)
    if faults:
        raise Invalid(details={"password": faults})
