"""Senders: the From identities of a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, Select, and_, exists, func, literal_column, select, update

from autoloop.base.errors import Conflict, Invalid
from autoloop.base.services import Service
from autoloop.base.zones import is_zone
from autoloop.businesses.services.records import written
from autoloop.mail.addresses import checked_address, domain_of
from autoloop.mail.governor.health import tally, window
from autoloop.mail.governor.ramps import cap_sql
from autoloop.mail.headers import faults_of
from autoloop.mail.models import Email, ProviderAccount, Sender, SenderDay, SendingDomain
from autoloop.mail.services.accounts import ProviderAccounts
from autoloop.workspaces.mail_limits import HEALTH
from autoloop.workspaces.services import WorkspaceAudit, Workspaces

__all__ = ["Senders"]

FIELDS = (
    "name",
    "reply_to",
    "provider_account_id",
    "daily_cap",
    "ramp",
    "timezone",
    "postal_address",
    "headers",
    "status",
)
BEGINNING: dict[str, Any] = dict.fromkeys(FIELDS) | {
    "timezone": "UTC",
    "postal_address": "",
    "headers": {},
    "status": "active",
}
SAME = "There is a sender with this address already."
TAKEN = {"uq_senders_workspace_id_address": ("address", SAME)}


class Senders(Service):
    """Makes and changes senders. The first one of a workspace becomes its default."""

    def rows(self) -> Select[Any]:
        """Senders with what each has used of its cap today (`used_today`), and the cap of today (`cap_today`).
        Those that were archived are left out."""
        today = func.date(func.timezone(Sender.timezone, func.now()))
        day = and_(
            SenderDay.workspace_id == Sender.workspace_id,
            SenderDay.sender_id == Sender.id,
            SenderDay.day == today,
        )
        return (
            select(
                Sender.__table__,
                func.coalesce(SenderDay.used, 0).label("used_today"),
                literal_column(cap_sql("senders"), Integer).label("cap_today"),
            )
            .outerjoin(SenderDay, day)
            .where(Sender.workspace_id == self.workspace_id, Sender.status != "archived")
        )

    def find(self, id: UUID) -> Any | None:
        """One sender as `rows` has it."""
        return self.session.execute(self.rows().where(Sender.id == id)).one_or_none()

    def default(self) -> Sender | None:
        """The workspace's default sender."""
        return self.session.scalars(
            select(Sender).where(Sender.workspace_id == self.workspace_id, Sender.is_default)
        ).one_or_none()

    def create(self, given: Mapping[str, Any]) -> Any:
        """A new sender, or one that was taken away and begins anew. `given` has address and name, and what else
        of FIELDS. Raises Invalid, Conflict."""
        address = checked_address(given["address"])
        self.services(Workspaces).current(lock=True)  # one at a time: whoever comes second sees the first
        known = self._of(address)
        if known is not None and known.status != "archived":
            raise Conflict(SAME, details={"address": [SAME]})
        values = self._checked(given)
        first = self.default() is None
        with written(self.session, TAKEN):
            sender = known or Sender(
                workspace_id=self.workspace_id, address=address, domain_id=self._domain(address)
            )
            if known is not None:  # its emails name it: who comes back is the same sender
                self._begin_anew(known)
            sender.user_id, sender.is_default = self.services.user_id, first
            for field, value in (BEGINNING | values).items():
                setattr(sender, field, value)
            sender.updated_at = self.clock.now()
            self.session.add(sender)
        self.services(ProviderAccounts).ensure_one()
        self.services(WorkspaceAudit).note("sender.created", subject=address)
        return self.find(sender.id)

    def change(self, id: UUID, given: Mapping[str, Any]) -> Any:
        """Change what is given of FIELDS, or make it the default (`is_default` true)."""
        sender = self.session.get_one(Sender, (self.workspace_id, id), with_for_update={"key_share": True})
        if "status" in given and given["status"] != sender.status:
            self._begin_anew(sender)
        for field, value in self._checked(given, sender.timezone).items():
            setattr(sender, field, value)
        if given.get("is_default"):
            self.session.execute(
                update(Sender)
                .where(Sender.workspace_id == self.workspace_id, Sender.is_default)
                .values(is_default=False)
            )
            sender.is_default = True
        sender.updated_at = self.clock.now()
        self.session.flush()
        self.services(WorkspaceAudit).note("sender.changed", subject=sender.address, fields=sorted(given))
        self.services.nudge("mail")
        return self.find(id)

    def health(self, id: UUID) -> dict[str, Any]:
        """What counts for and against a sender now: {"since", "sent", "complaints", "bounces", "limits"}.

        `limits` are the workspace's thresholds in percent; None: nothing pauses its senders.
        """
        sender = self.session.get_one(Sender, (self.workspace_id, id))
        limits = self.services(Workspaces).current().sender_health
        days = (limits or HEALTH)["days"]
        since = window(self.clock.now(), days, sender.health_since)
        counted = tally(self.session, self.workspace_id, id, since)
        return {**asdict(counted), "since": since, "days": days, "limits": limits}

    def _begin_anew(self, sender: Sender) -> None:
        """A person pauses it, or lets it go on: what it sent so far does not pause it again."""
        if sender.paused_because is not None:
            sender.health_since = self.session.scalar(select(func.clock_timestamp()))
            self.services(WorkspaceAudit).note("sender.resumed", subject=sender.address)
        sender.paused_because = sender.paused_at = None

    def remove(self, id: UUID) -> None:
        """Take a sender away: for good if it never sent, else it is archived, for its emails name it."""
        sender = self.session.get_one(Sender, (self.workspace_id, id))
        used = select(exists().where(Email.workspace_id == self.workspace_id, Email.sender_id == id))
        if self.session.scalar(used):
            sender.status, sender.is_default = "archived", False
        else:
            self.session.delete(sender)
        self.session.flush()
        self.services(WorkspaceAudit).note("sender.removed", subject=sender.address)

    def _checked(self, given: Mapping[str, Any], zone: str = "UTC") -> dict[str, Any]:
        values = {field: given[field] for field in FIELDS if field in given}
        if "reply_to" in values:
            values["reply_to"] = (
                checked_address(values["reply_to"], "reply_to") if values["reply_to"] else None
            )
        if faults := faults_of(values.get("headers") or {}):
            raise Invalid(details={"headers": faults})
        if "timezone" in values and not is_zone(self.session, values["timezone"]):
            said = f"“{values['timezone']}” is no time zone, such as Europe/Berlin."
            raise Invalid(details={"timezone": [said]})
        account = values.get("provider_account_id")
        if account is not None and self.session.get(ProviderAccount, (self.workspace_id, account)) is None:
            raise Invalid(details={"provider_account_id": ["There is no such provider account."]})
        if values.get("ramp"):
            today = self.clock.now().astimezone(ZoneInfo(values.get("timezone") or zone)).date()
            values["ramp"] = {**values["ramp"], "since": today.isoformat()}
        return values

    def _of(self, address: str) -> Sender | None:
        """The sender of this address, archived or not."""
        same = (Sender.workspace_id == self.workspace_id, func.lower(Sender.address) == address.lower())
        return self.session.scalars(select(Sender).where(*same).limit(1)).one_or_none()

    def _domain(self, address: str) -> UUID:
        """The sending domain of an address, made if it is new."""
        name = domain_of(address)
        known = select(SendingDomain.id).where(
            SendingDomain.workspace_id == self.workspace_id, SendingDomain.name == name
        )
        found = self.session.scalar(known)
        if found is None:
            found = self.add(SendingDomain(workspace_id=self.workspace_id, name=name)).id
        return UUID(str(found))
