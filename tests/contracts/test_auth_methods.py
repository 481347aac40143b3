"""Our own auth methods keep the contract, through the entry points that a stranger's would use."""

from __future__ import annotations

import pytest

from autoloop.plugins.registry import Registry
from autoloop.plugins.testing.auth import AuthMethodContract, MemoryAccounts


class TestPassword(AuthMethodContract):
    @pytest.fixture
    def method(self):
        return Registry.load().get("auth", "password")()

    @pytest.fixture
    def accounts(self):
        accounts = MemoryAccounts()
        accounts.add("ada@example.org", "a fox on the roof")
        return accounts

    @pytest.fixture
    def right(self):
        return {"email": "ada@example.org", "password": "a fox on the roof"}

    @pytest.fixture
    def wrong(self):
        return {"email": "ada@example.org", "password": "another one"}

    def test_unknown_and_wrong_are_one_answer(self, method, accounts, wrong):
        from autoloop.plugins.auth import AuthContext

        unknown = method.sign_in(AuthContext(accounts), {**wrong, "email": "nobody@example.org"})
        assert unknown == method.sign_in(AuthContext(accounts), wrong)
