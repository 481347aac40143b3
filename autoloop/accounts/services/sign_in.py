"""Signing in: the plugins that prove who someone is, and the narrow services they are lent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from autoloop.accounts import passwords
from autoloop.accounts.models import User
from autoloop.accounts.services.audit import InstanceAudit
from autoloop.accounts.services.lockout import Lockout
from autoloop.accounts.services.sessions import Sessions, Tokens
from autoloop.base.services import Service
from autoloop.plugins.auth import AuthContext, AuthMethod, Denied, SignedIn, Verdict

__all__ = ["SignIn"]


class LentAccounts:
    """What a method gets of the accounts: this one verb."""

    def __init__(self, sign_in: SignIn) -> None:
        self.verify_password = sign_in.verify_password


class SignIn(Service):
    def methods(self) -> list[AuthMethod]:
        """The ways to sign in of this installation."""
        registry = self.services.registrations.plugins
        return [plugin.cls() for plugin in registry.of("auth")] if registry is not None else []

    def method(self, name: str) -> AuthMethod | None:
        return next((each for each in self.methods() if each.name == name), None)

    def attempt(
        self, method: AuthMethod, given: Mapping[str, Any], *, user_agent: str = "", address: str = ""
    ) -> Tokens | Denied:
        """Let the method look; start a session if it knows the person.

        A refusal is returned, not raised: its transaction must commit, for it counts the failure.
        """
        outcome = method.sign_in(AuthContext(LentAccounts(self), address), given)
        if isinstance(outcome, SignedIn):
            user = self.session.get(User, outcome.user_id)
            if user is None or user.deactivated_at is not None:
                return Denied("This account cannot sign in. Ask whoever runs this installation.")
            return self.services(Sessions).start(
                user.id, method=method.name, user_agent=user_agent, address=address
            )
        return outcome

    def verify_password(self, email: str, password: str) -> Verdict:
        """The contract's password check: delays, and the same time whether or not the account exists."""
        lockout = self.services(Lockout)
        wait = lockout.wait(email)
        if wait:
            return Verdict(wait=wait)
        user = self.session.scalar(select(User).where(User.email == email.strip().lower()))
        if user is not None and self._is_right(user, password):
            lockout.succeeded(email)
            return Verdict(user.id)
        if user is None or user.password_hash is None:
            passwords.pretend(password)
        self.services(InstanceAudit).note("sign_in.failed", subject=str(user.id) if user else "")
        lockout.failed(email)
        return Verdict()

    def _is_right(self, user: User, password: str) -> bool:
        if user.password_hash is None:
            return False
        return passwords.check(password, user.password_hash) and user.deactivated_at is None
