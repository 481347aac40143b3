"""Gmail: through the Gmail API, as the person who connected it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import colander
import httpx

from autoloop.plugins.connecting import CannotConnect, Connectable
from autoloop.plugins.email import Account, EmailProvider, Idempotency, ProviderServices
from autoloop_plugins.email.gmail import oauth
from autoloop_plugins.email.gmail.channel import GmailChannel

__all__ = ["GmailProvider"]


class GmailProvider(EmailProvider, Connectable):
    """A mailbox of Gmail or Google Workspace. Mail is kept among its sent messages."""

    name: ClassVar[str] = "gmail"
    title: ClassVar[str] = "Gmail"
    idempotency: ClassVar[Idempotency] = Idempotency.LOOKUP
    connects_to: ClassVar[str] = "Google"
    places: ClassVar[oauth.Places] = oauth.Places()

    class Config(colander.MappingSchema):
        client_id = colander.SchemaNode(
            colander.String(),
            title="Client ID",
            validator=colander.Regex(r"[A-Za-z0-9._-]{1,200}\Z"),
            description="Of an OAuth client of the type “Web application” in the Google Cloud console.",
        )
        client_secret = colander.SchemaNode(
            colander.String(), title="Client secret", validator=colander.Length(1, 200), secret=True
        )
        refresh_token = colander.SchemaNode(
            colander.String(),
            title="Refresh token",
            missing="",
            validator=colander.Length(max=2000),
            secret=True,
            description="Leave it empty and use “Connect Google” once the account is saved.",
        )

    def open(self, account: Account, services: ProviderServices) -> GmailChannel:
        return GmailChannel(account, services, self.places)

    def is_connected(self, config: Mapping[str, Any]) -> bool:
        return bool(config.get("refresh_token"))

    def consent_url(self, account: Account, redirect_uri: str, state: str, challenge: str) -> str:
        return oauth.consent_url(self.places, account.config["client_id"], redirect_uri, state, challenge)

    def redeem(
        self, account: Account, http: httpx.Client, code: str, verifier: str, redirect_uri: str
    ) -> Mapping[str, Any]:
        try:
            token = oauth.redeem(self.places, http, account.config, code, verifier, redirect_uri)
        except oauth.NotGranted as error:
            raise CannotConnect(str(error)) from None
        return {"refresh_token": token}
