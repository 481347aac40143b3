"""The contract of auth methods, as tests that any plugin's author can run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import colander

from autoloop.plugins.auth import AuthContext, AuthMethod, Denied, SignedIn, Verdict

__all__ = ["AuthMethodContract", "MemoryAccounts"]


@dataclass
class MemoryAccounts:
    """Accounts in memory: passwords by address. With `wait` set, no attempt is looked at."""

    passwords: dict[str, str] = field(default_factory=dict)
    ids: dict[str, UUID] = field(default_factory=dict)
    wait: int = 0

    def add(self, email: str, password: str) -> UUID:
        self.passwords[email] = password
        return self.ids.setdefault(email, uuid4())

    def verify_password(self, email: str, password: str) -> Verdict:
        if self.wait:
            return Verdict(wait=self.wait)
        return Verdict(self.ids[email]) if self.passwords.get(email) == password else Verdict()


class AuthMethodContract:
    """What every method promises. Subclass it in your tests and give the fixtures:

    `method`, an instance; `accounts`, with one account; `right`, what its owner fills in;
    `wrong`, what a stranger would.
    """

    def test_names_itself(self, method: AuthMethod) -> None:
        assert method.name.isidentifier()
        assert method.title

    def test_asks_for_what_it_reads(self, method: AuthMethod, right: Mapping[str, Any]) -> None:
        form = method.Form()
        assert {node.name for node in form.children if node.required} <= set(right)
        assert isinstance(form.typ, colander.Mapping)
        assert form.deserialize(dict(right)) == dict(right)

    def test_lets_the_owner_in(
        self, method: AuthMethod, accounts: MemoryAccounts, right: Mapping[str, Any]
    ) -> None:
        outcome = method.sign_in(AuthContext(accounts), right)
        assert isinstance(outcome, SignedIn)
        assert outcome.user_id in accounts.ids.values()

    def test_refuses_others_in_one_sentence(
        self, method: AuthMethod, accounts: MemoryAccounts, wrong: Mapping[str, Any]
    ) -> None:
        outcome = method.sign_in(AuthContext(accounts), wrong)
        assert isinstance(outcome, Denied)
        assert outcome.message
        assert not any(str(value) in outcome.message for value in wrong.values())

    def test_says_how_long_to_wait(
        self, method: AuthMethod, accounts: MemoryAccounts, right: Mapping[str, Any]
    ) -> None:
        accounts.wait = 7
        outcome = method.sign_in(AuthContext(accounts), right)
        assert isinstance(outcome, SignedIn) or outcome.retry_after == 7
