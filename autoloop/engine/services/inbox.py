"""The inbox as outsiders use it: events by address or external id, checked, counted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, select, text

from autoloop.base.errors import Invalid
from autoloop.base.events import Event
from autoloop.base.i18n import _
from autoloop.base.services import Service
from autoloop.engine.models import EventRow
from autoloop.engine.services.events import receive

__all__ = ["Inbox"]

LARGEST = 64_000
AHEAD = timedelta(minutes=5)  # clocks of other systems run a little ahead

FIND = text("""
select id, email_normal, external_id from business_contacts
where workspace_id = :workspace and (id = any(cast(:ids as uuid[])) or email_normal = any(cast(:emails as text[]))
  or external_id = any(cast(:externals as text[])))""")
ALIASES = text("""
select id, contact_id from contact_aliases where workspace_id = :workspace and id = any(cast(:ids as uuid[]))""")


class Inbox(Service):
    """Events of the workspace."""

    def take(self, given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Write events; returns for each its id, or that it was known. All or none: Invalid names each fault."""
        contacts = self._contacts(given)
        faults: dict[str, list[str]] = {}
        events = []
        for index, each in enumerate(given):
            where = f"events.{index}" if len(given) > 1 else "event"
            contact, fault = contacts[index]
            if fault is None and len(orjson.dumps(each["data"], default=str)) > LARGEST:
                fault = _("The data of an event has at most 64 kB.")
            occurred = each["occurred_at"]
            if fault is None and occurred is not None and occurred > self.clock.now() + AHEAD:
                fault = _("This lies in the future.")
            if fault is not None:
                faults[where] = [fault]
                continue
            events.append(
                Event(self.workspace_id, each["name"], contact, each["data"], each["source"], each["source_id"], occurred)
            )
        if faults:
            raise Invalid(details=faults)
        ids = receive(self.services, events)
        self.services.nudge("route")
        return [{"id": id, "known": id is None} for id in ids]

    def _contacts(self, given: Sequence[Mapping[str, Any]]) -> list[tuple[UUID | None, Any]]:
        """The contact of each event, or what is wrong with how it was named."""
        ids = [UUID(each["contact_id"]) for each in given if each["contact_id"]]
        values = {
            "workspace": self.workspace_id,
            "ids": ids,
            "emails": [each["email"].strip().lower() for each in given if each["email"]],
            "externals": [each["external_id"] for each in given if each["external_id"]],
        }
        by: dict[tuple[str, str], UUID] = {}
        for row in self.session.execute(FIND, values):
            by["contact_id", str(row.id)] = row.id
            by["email", row.email_normal] = row.id
            by["external_id", row.external_id] = row.id
        if ids:
            for row in self.session.execute(ALIASES, values):
                by["contact_id", str(row.id)] = row.contact_id
        return [self._contact(each, by) for each in given]

    def _contact(self, each: Mapping[str, Any], by: Mapping[tuple[str, str], UUID]) -> tuple[UUID | None, Any]:
        named = [key for key in ("contact_id", "email", "external_id") if each[key]]
        if len(named) != 1:
            return None, _("Say to whom with one of contact_id, email and external_id.")
        value = each[named[0]].strip().lower() if named[0] == "email" else each[named[0]]
        contact = by.get((named[0], value))
        return (contact, None) if contact is not None else (None, _("There is no such contact."))

    def rows(self, *, name: str | None = None, contact_id: UUID | None = None) -> Select[Any]:
        query = select(EventRow).where(EventRow.workspace_id == self.workspace_id)
        if name is not None:
            query = query.where(EventRow.name == name)
        if contact_id is not None:
            query = query.where(EventRow.contact_id == contact_id)
        return query


