"""Providers whose account a person connects by saying yes at the service itself (OAuth 2 with PKCE)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import httpx

from autoloop.plugins.email import Account

__all__ = ["CannotConnect", "Connectable"]


class CannotConnect(Exception):
    """The service said no, or something strange. The text is for the person who tried."""


class Connectable(ABC):
    """Derive an EmailProvider from this too: its page then has a button “Connect …”.

    AutoLoop makes and checks `state` (good for one session and ten minutes) and the PKCE verifier; the
    service sends the person back to `redirect_uri`, which is the same for every account.
    """

    connects_to: ClassVar[str]
    """What the button names: "Google"."""

    @abstractmethod
    def is_connected(self, config: Mapping[str, Any]) -> bool:
        """Whether these settings, secrets included, hold a consent."""

    @abstractmethod
    def consent_url(self, account: Account, redirect_uri: str, state: str, challenge: str) -> str:
        """The address where a person says yes. `challenge` is of method S256. Raises CannotConnect."""

    @abstractmethod
    def redeem(
        self, account: Account, http: httpx.Client, code: str, verifier: str, redirect_uri: str
    ) -> Mapping[str, Any]:
        """The settings that the consent gives, to be kept in the account. Raises CannotConnect."""
