"""Open channels of this process: kept while they are used, so that connections are, too."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from autoloop.base.crypto import Keyring
from autoloop.base.http import Allowed, OutboundClient
from autoloop.base.runtime import Runtime
from autoloop.mail.delivery.outgoing import Outgoing
from autoloop.mail.services.mailbox import WorkspaceMailbox
from autoloop.plugins.email import Account, Channel, EmailProvider, ProviderServices
from autoloop.plugins.forms import read_config

__all__ = ["SECRETS", "Channels", "outbound", "services_for"]

SECRETS = "provider-account"
IDLE_SECONDS = 30.0
_clients: WeakKeyDictionary[Runtime, OutboundClient] = WeakKeyDictionary()


@dataclass(slots=True)
class _Held:
    channel: Channel
    version: datetime | None
    used_at: float


class Channels:
    """One channel per account, and thread-local: a channel is used by one thread at a time."""

    def __init__(self) -> None:
        self._local = threading.local()

    def provider(self, runtime: Runtime, name: str | None) -> type[EmailProvider] | None:
        """The provider plugin of that name, if it is installed and works."""
        found: type[EmailProvider] | None = runtime.registrations.plugins.get("email", name) if name else None
        return found

    def of(self, runtime: Runtime, mail: Outgoing) -> Channel | None:
        """The open channel of the mail's account; None if there is no way out."""
        provider = self.provider(runtime, mail.provider)
        if provider is None or mail.account_id is None:
            return None
        held = self._all().get(mail.account_id)
        if held is not None and held.version == mail.account_version:
            held.used_at = time.monotonic()
            return held.channel
        if held is not None:
            held.channel.close()
        channel = provider().open(_account(runtime, mail), services_for(runtime, mail.workspace_id))
        self._all()[mail.account_id] = _Held(channel, mail.account_version, time.monotonic())
        return channel

    def tidy(self) -> None:
        """Close what nobody used for a while."""
        now = time.monotonic()
        for account_id, held in list(self._all().items()):
            if now - held.used_at > IDLE_SECONDS:
                held.channel.close()
                del self._all()[account_id]

    def drop(self, account_id: UUID | None) -> None:
        """Close an account's channel after it failed in a way that nobody expected."""
        held = self._all().pop(account_id, None) if account_id else None
        if held is not None:
            held.channel.close()

    def _all(self) -> dict[UUID, _Held]:
        held: dict[UUID, _Held] | None = getattr(self._local, "held", None)
        if held is None:
            held = self._local.held = {}
        return held


def services_for(runtime: Runtime, workspace_id: UUID) -> ProviderServices:
    """What a provider of this workspace is lent."""
    return ProviderServices(WorkspaceMailbox(runtime, workspace_id), http=outbound(runtime))


def outbound(runtime: Runtime) -> OutboundClient:
    """The process's one client for providers: a tenant may name their addresses."""
    if runtime not in _clients:
        settings = runtime.settings
        allowed = Allowed.read(settings.outbound_allow)
        _clients[runtime] = OutboundClient(allowed, ports=tuple(map(int, settings.outbound_ports)))
    return _clients[runtime]


def _account(runtime: Runtime, mail: Outgoing) -> Account:
    config: dict[str, Any] = dict(mail.config)
    if mail.secrets:
        opened = Keyring(runtime.settings.secret_keys).open(SECRETS, bytes(mail.secrets))
        config |= json.loads(opened)
    assert mail.account_id is not None
    provider = runtime.registrations.plugins.get("email", mail.provider)
    if provider is not None:  # what was left empty has its default
        config = read_config(provider(), config)
    return Account(mail.account_id, mail.workspace_id, mail.provider or "", config)
