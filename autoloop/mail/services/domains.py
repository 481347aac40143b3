"""Sending domains: their DKIM keys, made here, published by people, seen in the DNS, then used."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, select, update

from autoloop.base.crypto import Keyring
from autoloop.base.due import DueKind
from autoloop.base.errors import Conflict, Invalid, NotFound
from autoloop.base.i18n import _
from autoloop.base.runtime import Runtime
from autoloop.base.services import Service
from autoloop.mail.addresses import ascii_domain, checked_address, domain_of
from autoloop.mail.dkim import ALGORITHMS, new_key, public_record
from autoloop.mail.models import DkimKey, Sender, SendingDomain
from autoloop.mail.services.dns import Txt, judge, resolver
from autoloop.mail.services.rotation import rotate, still_missing
from autoloop.workspaces.services import WorkspaceAudit, Workspaces

__all__ = ["KIND", "SEALED", "Domains", "look_at_due"]

SEALED = "dkim-key"
MOST_KEYS = 10
SOON, LATER = timedelta(minutes=15), timedelta(days=1)
PATIENCE = timedelta(days=14)  # how long a record that is not there yet is looked for often

PROBE = "select exists (select from sending_domains where next_check_at <= now())"


class Domains(Service):
    """Makes domains and keys, and looks them up in the DNS."""

    def rows(self) -> Select[Any]:
        """Domains with the number of keys that sign."""
        signs = and_(
            DkimKey.workspace_id == SendingDomain.workspace_id,
            DkimKey.domain_id == SendingDomain.id,
            DkimKey.status == "active",
        )
        count = select(func.count()).where(signs).scalar_subquery()
        return select(SendingDomain.__table__, count.label("signing_keys")).where(
            SendingDomain.workspace_id == self.workspace_id
        )

    def find(self, id: UUID) -> Any | None:
        return self.session.execute(self.rows().where(SendingDomain.id == id)).one_or_none()

    def keys(self, domain_id: UUID) -> Sequence[DkimKey]:
        """The domain's keys, newest first."""
        query = select(DkimKey).where(
            DkimKey.workspace_id == self.workspace_id, DkimKey.domain_id == domain_id
        )
        return self.session.scalars(query.order_by(DkimKey.id.desc())).all()

    def create(self, name: str) -> Any:
        """A domain with one key of each algorithm. Raises Invalid, Conflict."""
        try:
            name = domain_of(checked_address(f"postmaster@{name.strip().rstrip('.')}", "name"))
        except Invalid:
            raise Invalid(details={"name": [_("This is no domain name, like example.com.")]}) from None
        self.services(Workspaces).current(lock=True)  # one at a time: whoever comes second sees the first
        same = (SendingDomain.workspace_id == self.workspace_id, SendingDomain.name == name)
        if self.session.scalar(select(exists().where(*same))):
            raise Conflict(_("This domain is here already."), details={"name": [_("is here already")]})
        domain = self.add(SendingDomain(workspace_id=self.workspace_id, name=name))
        self.services(WorkspaceAudit).note("domain.created", subject=name)
        for algorithm in ALGORITHMS:
            self.new_key(domain.id, algorithm)
        return self.find(domain.id)

    def new_key(self, domain_id: UUID, algorithm: str) -> DkimKey:
        """A key that signs once its record is seen in the DNS; the present one signs until then.

        Raises Invalid, and Conflict if the domain has too many.
        """
        if algorithm not in ALGORITHMS:
            raise Invalid(details={"algorithm": [_("It is rsa-sha256 or ed25519-sha256.")]})
        domain = self._domain(domain_id)
        if len(self.keys(domain_id)) >= MOST_KEYS:
            raise Conflict(_("This domain has ten keys. Remove one that is retired."))
        private = new_key(algorithm)
        kind = "r" if algorithm.startswith("rsa") else "e"
        key: DkimKey = self.add(
            DkimKey(
                workspace_id=self.workspace_id,
                domain_id=domain_id,
                selector=f"al{kind}{self.clock.now():%y%m}{secrets.token_hex(2)}",
                algorithm=algorithm,
                private=Keyring(self.settings.secret_keys).seal(SEALED, private),
                record=public_record(private),
            )
        )
        domain.next_check_at = self.clock.now() + SOON
        self.session.flush()
        self.services(WorkspaceAudit).note("domain.key_made", subject=domain.name, selector=key.selector)
        return key

    def remove_key(self, domain_id: UUID, key_id: UUID) -> None:
        """Forget a key; mail is signed with those that are left. Raises NotFound."""
        key = self.session.get(DkimKey, (self.workspace_id, key_id))
        if key is None or key.domain_id != domain_id:
            raise NotFound
        self.session.delete(key)
        self.session.flush()
        name = self._domain(domain_id).name
        self.services(WorkspaceAudit).note("domain.key_removed", subject=name, selector=key.selector)

    def remove(self, domain_id: UUID) -> None:
        """Remove a domain and its keys. Raises Conflict while a sender uses it."""
        domain = self._domain(domain_id)
        used = select(exists().where(Sender.workspace_id == self.workspace_id, Sender.domain_id == domain_id))
        if self.session.scalar(used):
            raise Conflict(_("A sender uses this domain."))
        self.session.delete(domain)
        self.session.flush()
        self.services(WorkspaceAudit).note("domain.removed", subject=domain.name)

    def look(self, domain_id: UUID, txt: Txt | None = None) -> Any:
        """Ask the DNS now. A new key whose record is there begins to sign, and the one before it retires; one that
        signed for half a year gets a successor."""
        domain = self._domain(domain_id)
        keys = [key for key in self.keys(domain_id) if key.status != "retired"]
        ask = txt or resolver(self.settings.dns_servers)
        checks = judge(ascii_domain(domain.name), [(key.selector, key.record) for key in keys], ask)
        now = self.clock.now()
        for key in reversed(keys):
            if key.status == "new" and checks["dkim"][key.selector]["state"] == "ok":
                self._activate(key)
        domain.checks, domain.checked_at = checks, now
        signs = any(key.status == "active" for key in keys)
        missing = {key.selector for key in keys if checks["dkim"][key.selector]["state"] != "ok"}
        verified = signs and not still_missing(keys, missing)
        domain.verified_at = (domain.verified_at or now) if verified else None
        made = rotate(self, domain, keys, now)
        hurry = made or any(now - key.created_at < PATIENCE for key in keys if key.status == "new")
        domain.next_check_at = now + (SOON if hurry else LATER) if keys else None
        self.session.flush()
        return self.find(domain_id)

    def _activate(self, key: DkimKey) -> None:
        now = self.clock.now()
        self.session.execute(
            update(DkimKey)
            .where(
                DkimKey.workspace_id == self.workspace_id,
                DkimKey.domain_id == key.domain_id,
                DkimKey.algorithm == key.algorithm,
                DkimKey.status == "active",
            )
            .values(status="retired", retired_at=now)
        )
        key.status, key.activated_at = "active", now
        self.session.flush()

    def _domain(self, domain_id: UUID) -> SendingDomain:
        found = self.session.get(
            SendingDomain, (self.workspace_id, domain_id), with_for_update={"key_share": True}
        )
        if found is None:
            raise NotFound
        return found


def look_at_due(runtime: Runtime) -> int:
    """The due kind "domains": one domain whose records are to be looked up again."""
    with runtime.unit("worker") as services:
        due = services.session.execute(
            select(SendingDomain.workspace_id, SendingDomain.id)
            .where(SendingDomain.next_check_at <= func.now())
            .order_by(SendingDomain.next_check_at)
            .limit(1)
            .with_for_update(skip_locked=True, key_share=True)
        ).one_or_none()
        if due is None:
            return 0
        # Moved on before the DNS is asked: a domain that breaks its worker must not hold up the others.
        services.session.execute(
            update(SendingDomain)
            .where(SendingDomain.workspace_id == due.workspace_id, SendingDomain.id == due.id)
            .values(next_check_at=func.now() + LATER)
        )
    with runtime.unit("worker", due.workspace_id) as services:
        services(Domains).look(due.id)
    return 1


KIND = DueKind("domains", PROBE, look_at_due)
