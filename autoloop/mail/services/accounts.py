"""Provider accounts: configured ways out, their secrets sealed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import colander
import orjson
from sqlalchemy import Select, Text, case, cast, exists, func, select, update

from autoloop.base.crypto import Keyring
from autoloop.base.errors import Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.base.lines import few_lines, one_line
from autoloop.base.services import Service
from autoloop.businesses.services.records import written
from autoloop.mail.delivery.channels import SECRETS
from autoloop.mail.models import ProviderAccount, Sender
from autoloop.plugins.email import Account, EmailProvider
from autoloop.plugins.forms import ConfigProblems, json_schema, read_config, schema_of
from autoloop.workspaces.services import WorkspaceAudit, Workspaces

__all__ = ["ProviderAccounts", "kinds"]

log = logging.getLogger(__name__)

LONGEST_SETTING = 20_000
TAKEN = {"uq_provider_accounts_workspace_id_name": ("name", "There is an account of this name.")}


def kinds(registrations: Any) -> list[dict[str, Any]]:
    """The provider plugins there are: name, title, idempotency, and their settings as JSON Schema."""
    return [
        {
            "name": plugin.name,
            "title": str(plugin.cls.title),
            "distribution": plugin.distribution,
            "idempotency": str(plugin.cls.idempotency),
            "config": json_schema(schema_of(plugin.cls())),
            "secrets": sorted(secret_names(plugin.cls)),
        }
        for plugin in registrations.plugins.of("email")
    ]


def secret_names(provider: type[EmailProvider]) -> set[str]:
    """The settings that are kept sealed."""
    return {child.name for child in provider.Config().children if getattr(child, "secret", False)}


class ProviderAccounts(Service):
    """Makes and changes provider accounts. The first one of a workspace becomes its default."""

    def rows(self) -> Select[Any]:
        table = ProviderAccount
        return select(
            *(
                getattr(table, field)
                for field in (
                    *("id", "name", "provider", "config", "is_default", "status", "problem"),
                    *("problem_at", "rest_until", "failover_id", "last_event_at", "created_at", "updated_at"),
                )
            ),
            table.secrets.is_not(None).label("has_secrets"),
            self._webhook_url().label("webhook_url"),
        ).where(table.workspace_id == self.workspace_id)

    def find(self, id: UUID) -> Any | None:
        """One account without its secrets."""
        return self.session.execute(self.rows().where(ProviderAccount.id == id)).one_or_none()

    def create(self, given: Mapping[str, Any]) -> Any:
        """A new account: name, provider, config. Raises Invalid with the place of each problem."""
        provider = self._provider(given["provider"])
        config, secrets = self._split(provider, given.get("config") or {}, {})
        self.services(Workspaces).current(lock=True)  # of two that come at once one is the first
        first = not self.session.scalar(
            select(exists().where(ProviderAccount.workspace_id == self.workspace_id))
        )
        with written(self.session, TAKEN):
            account = self.add(
                ProviderAccount(
                    workspace_id=self.workspace_id,
                    name=given["name"],
                    provider=given["provider"],
                    config=config,
                    secrets=secrets,
                    is_default=first,
                )
            )
        self.services(WorkspaceAudit).note("provider.created", subject=given["name"])
        self.services.nudge("mail")
        return self.find(account.id)

    def ensure_one(self) -> None:
        """A workspace that has no way out gets the mailbox: mail is captured, and nobody is mailed by accident."""
        any_one = select(exists().where(ProviderAccount.workspace_id == self.workspace_id))
        if not self.session.scalar(any_one) and self.services.registrations.plugins.get("email", "mailbox"):
            self.create({"name": "Mailbox", "provider": "mailbox"})

    def change(self, id: UUID, given: Mapping[str, Any]) -> Any:
        """Change name, status, config, or make it the default. Secrets that are not given stay.

        Raises Invalid with the place of each problem, and Conflict if another account has the name.
        """
        account = self.session.get_one(ProviderAccount, (self.workspace_id, id))
        if "config" in given:
            provider = self._provider(account.provider)
            account.config, account.secrets = self._split(provider, given["config"], self._secrets(account))
            account.problem = account.problem_at = account.rest_until = None
        if given.get("failover_id") and not self._may_stand_in(account.id, given["failover_id"]):
            raise Invalid(details={"failover_id": ["It is another account of this workspace."]})
        if given.get("is_default"):
            self.session.execute(
                update(ProviderAccount)
                .where(ProviderAccount.workspace_id == self.workspace_id, ProviderAccount.is_default)
                .values(is_default=False)
            )
            account.is_default = True
        with written(self.session, TAKEN):
            for field in ("name", "status", "failover_id"):
                if field in given:
                    setattr(account, field, given[field])
            account.updated_at = self.clock.now()
        self.services(WorkspaceAudit).note("provider.changed", subject=account.name, fields=sorted(given))
        self.services.nudge("mail")
        return self.find(id)

    def remove(self, id: UUID) -> None:
        """Take an account away. Raises Conflict while a sender uses it, or once mail has left through it."""
        account = self.session.get_one(ProviderAccount, (self.workspace_id, id))
        from autoloop.mail.models import Email

        for table, column, why in (
            (Sender, Sender.provider_account_id, "A sender uses this account."),
            (Email, Email.provider_account_id, "Mail has left through this account; switch it off instead."),
        ):
            if self.session.scalar(
                select(exists().where(table.workspace_id == self.workspace_id, column == id))
            ):
                raise Conflict(why)
        self.session.delete(account)
        self.session.flush()
        self.services(WorkspaceAudit).note("provider.removed", subject=account.name)

    def opened(self, account: ProviderAccount) -> dict[str, Any]:
        """Its settings, secrets included: for the plugin, never for an answer."""
        return {**account.config, **self._secrets(account)}

    def takes_events(self, id: UUID) -> bool:
        """Whether the account has what its webhook is verified with."""
        row = self.session.get_one(ProviderAccount, (self.workspace_id, id))
        cls = self.services.registrations.plugins.get("email", row.provider)
        try:
            config = read_config(cls(), {**row.config, **self._secrets(row)}) if cls else {}
        except ConfigProblems:
            return False
        return bool(cls and cls().takes_events(Account(row.id, row.workspace_id, row.name, config)))

    def _webhook_url(self) -> Any:
        """Where the vendor posts its events; null for providers that have none."""
        table = ProviderAccount
        plugins = self.services.registrations.plugins.of("email")
        names = [each.name for each in plugins if each.cls.receive is not EmailProvider.receive]
        start = f"{self.settings.public_url.rstrip('/')}/inbound/"
        address = func.concat(cast(start, Text), table.provider, cast("/", Text), cast(table.id, Text))
        return case((table.provider.in_(names), address), else_=None)

    def _provider(self, name: str) -> type[EmailProvider]:
        found: type[EmailProvider] | None = self.services.registrations.plugins.get("email", name)
        if found is None:
            raise Invalid(details={"provider": [f"There is no provider “{name}” here."]})
        return found

    def _split(
        self, provider: type[EmailProvider], given: Mapping[str, Any], known: Mapping[str, Any]
    ) -> tuple[dict[str, Any], bytes | None]:
        """Checked settings, and the secret ones of them sealed."""
        names = secret_names(provider)
        whole = {**{key: value for key, value in known.items() if not given.get(key)}, **_given(given, names)}
        _check_texts(provider, whole)
        try:
            config = read_config(provider(), whole)
        except ConfigProblems as problems:
            raise Invalid(
                details={f"config.{field}".rstrip("."): [why] for field, why in problems.problems.items()}
            ) from None
        secrets = {key: config.pop(key) for key in names & config.keys() if config[key]}
        for key in names & config.keys():
            del config[key]
        sealed = self._keyring().seal(SECRETS, orjson.dumps(secrets)) if secrets else None
        return config, sealed

    def _secrets(self, account: ProviderAccount) -> dict[str, Any]:
        if not account.secrets:
            return {}
        try:
            opened: dict[str, Any] = orjson.loads(self._keyring().open(SECRETS, bytes(account.secrets)))
        except ValueError:  # a key of the installation is gone: a person must be able to give them anew
            log.exception("the secrets of a provider account cannot be opened")
            return {}
        return opened

    def _keyring(self) -> Keyring:
        return Keyring(self.settings.secret_keys)

    def _may_stand_in(self, id: UUID, other: UUID) -> bool:
        return other != id and self.session.get(ProviderAccount, (self.workspace_id, other)) is not None


def _check_texts(provider: type[EmailProvider], given: Mapping[str, Any]) -> None:
    """Settings go into headers and protocols: one line each, but for those that ask for several. Raises Invalid."""
    problems = {}
    for node in schema_of(provider()).children:
        value = given.get(node.name)
        if not isinstance(value, str):
            continue
        long = (getattr(node, "ui", None) or {}).get("widget") == "textarea"
        try:
            (few_lines if long else one_line)(node, value)
            if len(value) > LONGEST_SETTING:
                raise colander.Invalid(node, _("This is too long."))
        except colander.Invalid as error:
            problems[f"config.{node.name}"] = [error.msg]
    if problems:
        raise Invalid(details=problems)


def _given(given: Mapping[str, Any], secrets: set[str]) -> dict[str, Any]:
    """Settings as given; an empty secret means "as before"."""
    return {key: value for key, value in given.items() if value or key not in secrets}
