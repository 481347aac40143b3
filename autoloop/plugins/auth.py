"""Auth methods: the contract of a way to prove who one is.

AutoLoop owns accounts, sessions, lock-out and cookies. A method reads what a person sent, asks the
services it is lent, and says who it was or why not. It never sees a request or a session.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol
from uuid import UUID

import colander

__all__ = ["Accounts", "AuthContext", "AuthMethod", "AuthOutcome", "Denied", "SignedIn", "Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a password check. `wait` is how many seconds no further attempt is looked at."""

    user_id: UUID | None = None
    wait: int = 0


class Accounts(Protocol):
    """The narrow way to AutoLoop's accounts."""

    def verify_password(self, email: str, password: str) -> Verdict:
        """Check a password. Takes as long for an unknown address as for a wrong password, and counts both."""


@dataclass(frozen=True, slots=True)
class AuthContext:
    """What AutoLoop lends to every method alike. `client_address` is the caller's, as far as known."""

    accounts: Accounts
    client_address: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """It is this account's owner. AutoLoop starts the session."""

    user_id: UUID


@dataclass(frozen=True, slots=True)
class Denied:
    """It is not, or not yet. The message is shown; it must not tell whether an account exists.

    `retry_after` is in seconds, for too many attempts.
    """

    message: str
    retry_after: int | None = None


AuthOutcome = SignedIn | Denied


class AuthMethod(ABC):
    """One way to sign in, found through the entry-point group `autoloop.auth_methods`.

    `Form` is a colander mapping: it draws the fields on the sign-in page and checks them. A node
    with `ui={"widget": "password"}` is never shown again. One instance serves all: keep nothing on `self`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    icon: ClassVar[str] = "key"

    class Form(colander.MappingSchema):
        """Nothing to fill in."""

    @abstractmethod
    def sign_in(self, context: AuthContext, given: Mapping[str, Any]) -> AuthOutcome:
        """Look at what the form gave, already through `Form`."""
