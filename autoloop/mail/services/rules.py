"""Rules by which mail finds its way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, select

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.services import Service
from autoloop.engine.models import Workflow
from autoloop.mail.addresses import checked_target
from autoloop.mail.models import ProviderAccount, ProviderRule
from autoloop.workspaces.services import WorkspaceAudit

__all__ = ["ProviderRules"]

MOST = 50


class ProviderRules(Service):
    """The workspace's rules, in the order in which they are asked."""

    def all(self) -> Sequence[ProviderRule]:
        query = select(ProviderRule).where(ProviderRule.workspace_id == self.workspace_id)
        return self.session.scalars(query.order_by(ProviderRule.position, ProviderRule.id)).all()

    def replace(self, given: Sequence[Mapping[str, Any]]) -> Sequence[ProviderRule]:
        """Make these the rules: {account_id, workflow_id?, kind?, recipient_domains?} in order.

        Raises Invalid with the place of each problem (`rules.2.account_id`).
        """
        problems: dict[str, list[str]] = {}
        domains: list[list[str]] = []
        if len(given) > MOST:
            problems["rules"] = [_("There are at most 50 rules.")]
        for index, rule in enumerate(given):
            for field, table in (("account_id", ProviderAccount), ("workflow_id", Workflow)):
                id = rule.get(field)
                if id is not None and not self._is_here(table, id):
                    problems[f"rules.{index}.{field}"] = [_("There is nothing with this id.")]
            try:
                domains.append(_domains(rule))
            except Invalid as error:
                problems[f"rules.{index}.recipient_domains"] = error.details["domain"]
        if problems:
            raise Invalid(details=problems)
        self.session.execute(delete(ProviderRule).where(ProviderRule.workspace_id == self.workspace_id))
        for position, rule in enumerate(given):
            self.session.add(
                ProviderRule(
                    workspace_id=self.workspace_id,
                    position=position,
                    account_id=rule["account_id"],
                    workflow_id=rule.get("workflow_id"),
                    kind=rule.get("kind"),
                    recipient_domains=domains[position],
                )
            )
        self.session.flush()
        self.services(WorkspaceAudit).note("provider.rules_changed", rules=len(given))
        self.services.nudge("mail")
        return self.all()

    def _is_here(self, table: Any, id: UUID) -> bool:
        return bool(
            self.session.scalar(
                select(exists().where(table.workspace_id == self.workspace_id, table.id == id))
            )
        )


def _domains(rule: Mapping[str, Any]) -> list[str]:
    """The rule's domains as addresses are compared with them. Raises Invalid naming `domain`."""
    found: set[str] = set()
    for name in filter(None, map(str.strip, rule.get("recipient_domains") or ())):
        local, _at, domain = checked_target(name.removeprefix("@"), "domain").rpartition("@")
        if local:
            raise Invalid(
                details={"domain": [_("“${name}” is no domain, like example.com.", mapping={"name": name})]}
            )
        found.add(domain)
    return sorted(found)
