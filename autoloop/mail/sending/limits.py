"""Limits that people set: how much mail may leave, through what, from whom and to where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text

from autoloop.base.errors import Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.base.services import Service
from autoloop.mail.governor.rules import ANY, key_of_limit
from autoloop.mail.models import MailLimit, ProviderAccount, Sender, SendingDomain
from autoloop.mail.models.limits import PERIODS
from autoloop.workspaces.services import WorkspaceAudit, Workspaces

__all__ = ["TARGETS", "Limits", "wake"]

TARGETS = ("account_id", "sender_id", "domain_id", "recipient_domain")
TABLES: dict[str, Any] = {"account_id": ProviderAccount, "sender_id": Sender, "domain_id": SendingDomain}
MOST = 1000
DOMAIN = re.compile(r"[^\s@*.]+(\.[^\s@*.]+)+\Z")

# In the order of ids, as everywhere; who holds one of them has it in hand anyway.
WAKE = text("""
with waiting as (
  select id from email_logs
  where workspace_id = :workspace and status = 'intent' and lease_until is null and due_at > clock_timestamp()
    and hold_reason = any(cast(:reasons as text[])) and starts_with(held_by, :key)
  order by id for no key update skip locked)
update email_logs e set due_at = clock_timestamp() from waiting
where e.workspace_id = :workspace and e.id = waiting.id""")


def wake(service: Service, key: str, *reasons: str) -> None:
    """Mail that waits for this limit or break is looked at again at once."""
    given = {"workspace": service.workspace_id, "key": key, "reasons": list(reasons)}
    service.session.execute(WAKE, given)
    service.services.nudge("mail")


class Limits(Service):
    """Sets, changes and lifts limits. A target has one limit, with a figure for each period that it names."""

    def rows(self) -> Select[Any]:
        """Limits with the names of what they are about."""
        return (
            select(
                MailLimit.__table__,
                ProviderAccount.name.label("account_name"),
                Sender.address.label("sender_address"),
                SendingDomain.name.label("domain_name"),
            )
            .outerjoin(ProviderAccount, _same(ProviderAccount, MailLimit.account_id))
            .outerjoin(Sender, _same(Sender, MailLimit.sender_id))
            .outerjoin(SendingDomain, _same(SendingDomain, MailLimit.domain_id))
            .where(MailLimit.workspace_id == self.workspace_id)
        )

    def find(self, id: UUID) -> Any | None:
        """One limit, with names."""
        return self.session.execute(self.rows().where(MailLimit.id == id)).one_or_none()

    def of(self, **target: Any) -> Any | None:
        """The limit of a target: account_id, sender_id, domain_id or recipient_domain; of the workspace without one."""
        same = [getattr(MailLimit, name).is_not_distinct_from(target.get(name)) for name in TARGETS]
        return self.session.execute(self.rows().where(*same)).one_or_none()

    def set(self, given: Mapping[str, Any]) -> Any:
        """A new limit: at most one of TARGETS, at least one of PERIODS. Raises Invalid, Conflict if there is one."""
        target = self._target(given)
        figures = _figures(given)
        self._check(target, figures)
        self.services(Workspaces).current(lock=True)  # one at a time: whoever comes second sees the first
        if self.of(**target) is not None:
            raise Conflict(_("There is a limit for this already; change it instead."))
        count = self.session.query(MailLimit).where(MailLimit.workspace_id == self.workspace_id).count()
        if count >= MOST:
            raise Conflict(_("There are at most 1000 limits."))
        row = self.add(MailLimit(workspace_id=self.workspace_id, **target, **figures))
        return self._changed(row.id, "set")

    def change(self, id: UUID, given: Mapping[str, Any]) -> Any:
        """Change its figures; null takes one away. Raises Invalid if none is left."""
        row = self.session.get_one(MailLimit, (self.workspace_id, id))
        figures = {period: getattr(row, period) for period in PERIODS} | _figures(given)
        self._check({name: getattr(row, name) for name in TARGETS}, figures)
        for period, figure in figures.items():
            setattr(row, period, figure)
        row.updated_at = self.clock.now()
        self.session.flush()
        return self._changed(id, "changed")

    def lift(self, id: UUID) -> None:
        """Take a limit away; what waits for it goes on."""
        row = self.find(id)
        assert row is not None
        self.session.delete(self.session.get_one(MailLimit, (self.workspace_id, id)))
        self.session.flush()
        self._note("lifted", row)
        wake(self, key_of_limit(id).removesuffix(":"), "rate", "daily_cap")

    def put(self, target: Mapping[str, Any], figures: Mapping[str, Any]) -> None:
        """Make these the figures of a target, as a form does that shows them all; without any, lift its limit."""
        whole = {period: figures.get(period) for period in PERIODS}
        found = self.of(**target)
        if not any(figure is not None for figure in whole.values()):
            if found is not None:
                self.lift(found.id)
        elif found is None:
            self.set({**target, **whole})
        else:
            self.change(found.id, whole)

    def _changed(self, id: UUID, verb: str) -> Any:
        row = self.find(id)
        self._note(verb, row)
        wake(self, key_of_limit(id).removesuffix(":"), "rate", "daily_cap")
        return row

    def _note(self, verb: str, row: Any) -> None:
        subject = row.account_name or row.sender_address or row.domain_name or row.recipient_domain or ""
        figures = {period: getattr(row, period) for period in PERIODS if getattr(row, period) is not None}
        self.services(WorkspaceAudit).note(f"limit.{verb}", subject=subject, **figures)

    def _target(self, given: Mapping[str, Any]) -> dict[str, Any]:
        target = {name: given.get(name) or None for name in TARGETS}
        named = [name for name, value in target.items() if value is not None]
        if len(named) > 1:
            raise Invalid(details={name: [_("A limit is about one of these.")] for name in named})
        for name, table in TABLES.items():
            if (
                target[name] is not None
                and self.session.get(table, (self.workspace_id, target[name])) is None
            ):
                raise Invalid(details={name: [_("There is nothing with this id.")]})
        if target["recipient_domain"] is not None:
            domain = target["recipient_domain"].strip().lower()
            if domain != ANY and not (DOMAIN.match(domain) and domain.isprintable()):
                raise Invalid(
                    details={
                        "recipient_domain": [_("This is no domain, such as example.org, nor * for each.")]
                    }
                )
            target["recipient_domain"] = domain
        return target

    def _check(self, target: Mapping[str, Any], figures: Mapping[str, Any]) -> None:
        if all(figure is None for figure in figures.values()):
            raise Invalid(details={"per_second": [_("Give at least one figure.")]})
        if target["sender_id"] is not None and figures.get("per_day") is not None:
            raise Invalid(details={"per_day": [_("A sender's day is limited by its daily cap.")]})


def _figures(given: Mapping[str, Any]) -> dict[str, Any]:
    return {period: given[period] for period in PERIODS if period in given}


def _same(table: Any, id: Any) -> Any:
    return (table.workspace_id == MailLimit.workspace_id) & (table.id == id)
