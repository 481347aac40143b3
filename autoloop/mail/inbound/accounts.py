"""From a webhook's address to the account it is for."""

from __future__ import annotations

import logging
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.crypto import Keyring
from autoloop.base.errors import Unavailable
from autoloop.base.runtime import Runtime
from autoloop.mail.delivery.channels import SECRETS
from autoloop.mail.models import ProviderAccount
from autoloop.plugins.email import Account, EmailProvider
from autoloop.plugins.forms import ConfigProblems, read_config

__all__ = ["find_account"]

log = logging.getLogger(__name__)

WORKSPACE = text("select autoloop_workspace_of_account(:account)")


def find_account(runtime: Runtime, provider: str, id: UUID) -> tuple[EmailProvider, Account] | None:
    """The provider and its account, if there is such an account and it takes events.

    Raises Unavailable where its secrets cannot be opened: the service shall tell the events again.
    """
    cls: type[EmailProvider] | None = runtime.registrations.plugins.get("email", provider)
    if cls is None:
        return None
    with runtime.unit("web") as services:
        workspace = services.session.scalar(WORKSPACE, {"account": id})
        if workspace is None:
            return None
        services.enter(workspace)
        row = services.session.get(ProviderAccount, (workspace, id))
        if row is None or row.provider != provider:
            return None
        config = dict(row.config)
        sealed, name = row.secrets, row.name
    if sealed:
        try:
            config |= orjson.loads(Keyring(runtime.settings.secret_keys).open(SECRETS, bytes(sealed)))
        except ValueError:
            log.exception("the secrets of a provider account cannot be opened")
            raise Unavailable from None
    try:
        account = Account(id, workspace, name, read_config(cls(), config))
    except ConfigProblems:
        return None
    plugin = cls()
    return (plugin, account) if plugin.takes_events(account) else None
