"""Events from outside: contacts found by what the sender knows of them, then into the inbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Select, select

from autoloop.base.errors import Invalid
from autoloop.base.events import Event
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.base.services import Service
from autoloop.businesses.addresses import BadAddress, normal_email
from autoloop.businesses.models import Contact, ContactAlias
from autoloop.engine.models import EventRow
from autoloop.engine.services.events import receive

__all__ = ["Inbox"]

LARGEST = 65_536
FUTURE = timedelta(hours=1)
NAMES = ("contact_id", "email", "external_id")


class Inbox(Service):
    """The workspace's events."""

    def accept(self, given: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Take events: {name, contact_id | email | external_id, data, source, id, occurred_at}, all or none.

        Gives {"accepted", "duplicates", "events": [{"id"} …]} in the order sent. Raises Invalid with a
        message per field (`events.3.email`). An event that is known already is not an error.
        """
        problems: dict[str, list[str]] = {}
        contacts = self._contacts(given, problems)
        limit = self.clock.now() + FUTURE
        events = []
        for index, each in enumerate(given):
            place = f"events.{index}"
            data = each.get("data") or {}
            if len(orjson.dumps(data)) > LARGEST:
                problems[f"{place}.data"] = [_("An event's data has at most 64 kB.")]
            at = each.get("occurred_at")
            at = at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
            if at is not None and at > limit:
                problems[f"{place}.occurred_at"] = [_("An event cannot have happened in the future.")]
            contact = contacts.get(index)
            events.append(
                Event(self.workspace_id, each["name"], contact, data, each["source"], each.get("id"), at)
            )
        if problems:
            raise Invalid(details=problems)
        ids = receive(self.services, self._attributed(events))
        accepted = sum(1 for id in ids if id is not None)
        if accepted:
            self.services.nudge("route")
        return {
            "accepted": accepted,
            "duplicates": len(ids) - accepted,
            "events": [{"id": str(id) if id is not None else None} for id in ids],
        }

    def _attributed(self, events: list[Event]) -> list[Event]:
        """The same events; those about emails with the email and run they belong to."""
        attribute = self.services.registrations.effect_handlers.get("attribute_events")
        if attribute is None:
            return events
        data = attribute(self.services, [(event.name, event.contact_id, event.data) for event in events])
        return [replace(event, data=filled) for event, filled in zip(events, data, strict=True)]

    def query(self, *, name: str | None = None, contact_id: UUID | None = None) -> Select[Any]:
        """Events as columns, in no order yet."""
        found = select(
            EventRow.id,
            EventRow.name,
            EventRow.contact_id,
            EventRow.data,
            EventRow.source,
            EventRow.source_id,
            EventRow.pending,
            EventRow.occurred_at,
            EventRow.received_at,
        ).where(EventRow.workspace_id == self.workspace_id)
        if name is not None:
            found = found.where(EventRow.name == name)
        if contact_id is not None:
            found = found.where(EventRow.contact_id == contact_id)
        return found

    def _contacts(
        self, given: Sequence[Mapping[str, Any]], problems: dict[str, list[str]]
    ) -> dict[int, UUID]:
        """The contact of each event by its index, with one statement per way of naming it."""
        wanted: dict[str, dict[int, Any]] = {name: {} for name in NAMES}
        for index, each in enumerate(given):
            named = [name for name in NAMES if each.get(name)]
            if len(named) != 1:
                problems[f"events.{index}"] = [
                    _("Name the contact by one of contact_id, email, external_id.")
                ]
                continue
            key = self._key(named[0], each[named[0]])
            if key is None:
                problems[f"events.{index}.{named[0]}"] = [_("This names no contact.")]
            else:
                wanted[named[0]][index] = key
        found: dict[int, UUID] = {}
        columns: dict[str, ColumnElement[Any] | Any] = {
            "contact_id": Contact.id,
            "email": Contact.email_normal,
            "external_id": Contact.external_id,
        }
        for name, keys in wanted.items():
            if not keys:
                continue
            known = self._look_up(columns[name], list(keys.values()))
            if name == "contact_id":
                known |= self._aliases([key for key in keys.values() if key not in known])
            for index, key in keys.items():
                if key in known:
                    found[index] = known[key]
                else:
                    problems[f"events.{index}.{name}"] = [_("There is no such contact.")]
        return found

    def _key(self, name: str, value: str) -> Any:
        if name == "contact_id":
            return parse_id(value)
        if name == "email":
            try:
                return normal_email(value)[1]
            except BadAddress:
                return None
        return value

    def _look_up(self, column: Any, keys: list[Any]) -> dict[Any, UUID]:
        query = select(column, Contact.id).where(Contact.workspace_id == self.workspace_id, column.in_(keys))
        return {row[0]: row[1] for row in self.session.execute(query)}

    def _aliases(self, keys: list[Any]) -> dict[Any, UUID]:
        if not keys:
            return {}
        query = select(ContactAlias.id, ContactAlias.contact_id).where(
            ContactAlias.workspace_id == self.workspace_id, ContactAlias.id.in_(keys)
        )
        return {row[0]: row[1] for row in self.session.execute(query)}
