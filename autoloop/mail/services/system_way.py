"""Where mail of the installation itself leaves, as its settings say: kept in rows like every other way out."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy import select

from autoloop.base.services import Services
from autoloop.mail.models import ProviderAccount, Sender
from autoloop.mail.services.accounts import ProviderAccounts
from autoloop.settings import Settings
from autoloop.workspaces.services import Workspaces

__all__ = ["Way", "keep", "way_of"]

PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True)
class Way:
    """A provider with its settings, and who sends."""

    provider: str
    config: dict[str, Any]
    name: str
    address: str


def way_of(settings: Settings) -> Way:
    """The SMTP server of the settings; without one the local mailbox, where nobody is mailed by accident."""
    name, address = parseaddr(settings.system_mail_from)
    host = urlsplit(settings.public_url).hostname or "localhost"
    domain = host if "." in host and not host.replace(".", "").isdigit() else "autoloop.example"
    name, address = name or "AutoLoop", address or f"no-reply@{domain}"
    if not settings.system_mail:
        return Way("mailbox", {}, name, address)
    url = urlsplit(settings.system_mail)
    config = {
        "host": url.hostname or "",
        "port": url.port or PORTS[url.scheme],
        "security": "tls" if url.scheme == "smtps" else "starttls",
        "username": unquote(url.username or ""),
        "password": unquote(url.password or ""),
    }
    return Way("smtp", config | dict(parse_qsl(url.query)), name, address)


def keep(services: Services) -> None:
    """See to it that the workspace this is in (the system's) has the way of the settings as its default."""
    way = way_of(services.settings)
    accounts = services(ProviderAccounts)
    if not _is(accounts, _account(services, way), way):
        services(Workspaces).current(lock=True)  # of two that come at once the second finds it done
        account = _account(services, way)
        if account is None:
            made = accounts.create({"name": way.provider, "provider": way.provider, "config": way.config})
            accounts.change(made.id, {"is_default": True})
        elif not _is(accounts, account, way):
            accounts.change(account.id, {"config": way.config, "is_default": True})
    sender = services.session.scalar(
        select(Sender).where(Sender.workspace_id == services.workspace_id, Sender.is_default)
    )
    if sender is not None and (sender.name, sender.address) != (way.name, way.address):
        sender.name, sender.address = way.name, way.address
        services.session.flush()


def _account(services: Services, way: Way) -> ProviderAccount | None:
    named = (ProviderAccount.workspace_id == services.workspace_id, ProviderAccount.name == way.provider)
    return services.session.scalar(
        select(ProviderAccount).where(*named).execution_options(populate_existing=True)
    )


def _is(accounts: ProviderAccounts, account: ProviderAccount | None, way: Way) -> bool:
    if account is None or not account.is_default:
        return False
    held = accounts.opened(account)
    return all(str(held.get(name, "")) == str(value) for name, value in way.config.items())
