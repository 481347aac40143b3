"""Connecting a provider account at its service: the state, the verifier, and what comes of the code.

Nothing is stored between start and return. The state is signed, names the session that began, and ends
after ten minutes; the PKCE verifier is derived from its nonce and never leaves this installation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from autoloop.base.crypto import Keyring, new_token
from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.base.services import Service
from autoloop.mail.models import ProviderAccount
from autoloop.mail.services.accounts import ProviderAccounts
from autoloop.plugins.connecting import CannotConnect, Connectable
from autoloop.plugins.email import Account
from autoloop.plugins.forms import ConfigProblems, read_config

__all__ = ["Connecting", "Returned", "read_state"]

PURPOSE = "connect-provider"
SECONDS = 600


@dataclass(frozen=True, slots=True)
class Returned:
    """What a state says that is ours and not too old."""

    workspace: str
    account_id: UUID
    session_id: str
    nonce: str
    until: float


def read_state(keyring: Keyring, state: str) -> Returned | None:
    """The parts of a state that this installation signed, else None."""
    given = keyring.verify(PURPOSE, state)
    if not isinstance(given, list) or len(given) != 5:
        return None
    workspace, account, session, nonce, until = given
    id = parse_id(account)
    return Returned(workspace, id, session, nonce, until) if id else None


class Connecting(Service):
    """Begins and ends the way over a service's consent page."""

    def provider(self, account: ProviderAccount | Any) -> Connectable | None:
        """The account's provider, if it is one that is connected."""
        found = self.services.registrations.plugins.get("email", account.provider)
        return found() if found is not None and issubclass(found, Connectable) else None

    def shown(self, account: Any) -> dict[str, Any] | None:
        """What the account's page says of it: {service, done, redirect_uri}; None if nothing is connected."""
        provider = self.provider(account)
        if provider is None:
            return None
        row = self.session.get_one(ProviderAccount, (self.workspace_id, account.id))
        done = provider.is_connected(self.services(ProviderAccounts).opened(row))
        return {"service": provider.connects_to, "done": done, "redirect_uri": self.redirect_uri}

    def begin(self, account_id: UUID, workspace: str, session_id: UUID) -> str:
        """The consent address. Raises Invalid."""
        provider, account = self._opened(account_id)
        nonce = new_token(18)
        until = self.clock.now().timestamp() + SECONDS
        state = self._keyring().sign(
            PURPOSE, [workspace, str(account_id), session_id.hex, nonce, until], octets=32
        )
        digest = hashlib.sha256(self._verifier(nonce).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        try:
            return provider.consent_url(account, self.redirect_uri, state, challenge)
        except CannotConnect as error:
            raise Invalid(str(error)) from None

    def finish(self, account_id: UUID, session_id: UUID, state: str, code: str, http: httpx.Client) -> None:
        """Keep what the consent gives. Raises Invalid for a state that is old, forged or another's."""
        returned = read_state(self._keyring(), state)
        if (
            returned is None
            or returned.account_id != account_id
            or not hmac.compare_digest(returned.session_id, session_id.hex)
            or returned.until < self.clock.now().timestamp()
        ):
            raise Invalid(_("This way back is not good any more. Connect again."))
        provider, account = self._opened(account_id)
        try:
            given = provider.redeem(account, http, code, self._verifier(returned.nonce), self.redirect_uri)
        except CannotConnect as error:
            raise Invalid(str(error)) from None
        row = self.session.get_one(ProviderAccount, (self.workspace_id, account_id))
        self.services(ProviderAccounts).change(account_id, {"config": {**row.config, **given}})

    @property
    def redirect_uri(self) -> str:
        """The one address that is registered with the service."""
        return f"{self.settings.public_url.rstrip('/')}/connected"

    def _opened(self, account_id: UUID) -> tuple[Connectable, Account]:
        row = self.session.get_one(ProviderAccount, (self.workspace_id, account_id))
        provider = self.provider(row)
        if provider is None:
            raise Invalid(_("There is nothing to connect."))
        config = self.services(ProviderAccounts).opened(row)
        try:
            read = read_config(provider, config)
        except ConfigProblems as problems:  # secrets that no key of the installation opens any more
            missing = ", ".join(problems.problems)
            raise Invalid(
                _("Save the account's settings first: ${names}.", mapping={"names": missing})
            ) from None
        return provider, Account(row.id, row.workspace_id, row.name, read)

    def _verifier(self, nonce: str) -> str:
        key = self._keyring().derive(f"{PURPOSE}:verifier")
        mac = hmac.new(key, nonce.encode(), "sha256").digest()
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()

    def _keyring(self) -> Keyring:
        return Keyring(self.settings.secret_keys)
