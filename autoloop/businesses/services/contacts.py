"""Verbs of contacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autoloop.base.errors import Conflict, Invalid
from autoloop.base.events import Event, emit
from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.businesses.addresses import BadAddress, normal_email
from autoloop.businesses.models import Business, Contact, ContactAlias
from autoloop.businesses.services.consents import said_by
from autoloop.businesses.services.merging import merge_contacts
from autoloop.businesses.services.records import (
    changed_names,
    clean_fields,
    clean_tags,
    held,
    merged_fields,
    set_changed,
    stripped,
    written,
)
from autoloop.businesses.services.vocabulary import Fields, Topics, insert_tags
from autoloop.businesses.values import parse_timezone

__all__ = ["Contacts"]

CONFLICTS = {
    "uq_business_contacts_workspace_id_email_normal": (
        "email",
        "Another contact has this email address.",
    ),
    "uq_business_contacts_workspace_id_external_id": (
        "external_id",
        "Another contact has this external id.",
    ),
    "fk_business_contacts_workspace_id_business_id": ("business_id", "There is no such business."),
}
SPEAKS = frozenset({"consent_marketing", "consent_tracking", "topics", "locale"})
"""What of a contact goes into the history of what was said (`consents`)."""
PLAIN = ("first_name", "last_name", "title", "phone", "locale")


class Contacts(Service):
    """People of the workspace. Changes are told as events, and make cached lists stale."""

    def find(self, id: UUID) -> Contact | None:
        """The contact of this id, or the one that it was merged into."""
        row = self.session.get(Contact, (self.workspace_id, id))
        if row is None:
            alias = self.session.get(ContactAlias, (self.workspace_id, id))
            row = alias and self.session.get(Contact, (self.workspace_id, alias.contact_id))
        return row

    def by_email(self, email: str) -> Contact | None:
        """The contact of this address, in whatever case it is written. Raises BadAddress."""
        return self._one(Contact.email_normal == normal_email(email)[1])

    def by_external_id(self, external_id: str) -> Contact | None:
        return self._one(Contact.external_id == external_id)

    def create(self, given: Mapping[str, Any], *, source: str = "api") -> Contact:
        """Make a contact and say so (`contact.created`). Raises Invalid or Conflict."""
        row = Contact(workspace_id=self.workspace_id, id=new_id(), user_id=self.services.user_id)
        row.tags, row.topics, row.fields = [], [], {}
        values = self._values(given, row)
        if not values.get("email_normal") and not values.get("external_id") and not values.get("last_name"):
            raise Invalid(
                details={"email": ["Give an email address, an external id or at least a last name."]}
            )
        set_changed(row, values)
        if SPEAKS & values.keys():
            said_by(self.services, _said_at(given, source))
        with written(self.session, CONFLICTS):
            self.session.add(row)
        self._note_tags(row.tags)
        data = {"source": source, "tags": row.tags}
        self._tell([Event(self.workspace_id, "contact.created", row.id, data)])
        return row

    def update(self, row: Contact, given: Mapping[str, Any], *, source: str = "api") -> Contact:
        """Change what is given; the rest stays. Tags and topics are replaced, custom fields merged."""
        held(self.session, row)
        tags, fields = set(row.tags), row.fields
        values = self._values(given, row)
        if SPEAKS & values.keys():
            said_by(self.services, _said_at(given, source))
        with written(self.session, CONFLICTS):
            changed = set_changed(row, values)
        if changed:
            data = {"source": source, "fields": changed_names(changed, fields, row.fields)}
            added, removed = sorted(set(row.tags) - tags), sorted(tags - set(row.tags))
            self._note_tags(added)
            events = [Event(self.workspace_id, "contact.updated", row.id, data)]
            for name, words in (("tag.added", added), ("tag.removed", removed)):
                events += [Event(self.workspace_id, name, row.id, {"tag": word}) for word in words]
            self._tell(events)
        return row

    def upsert(self, given: Mapping[str, Any], *, source: str = "api") -> tuple[Contact, bool]:
        """Find by external id, else by email; change or make it. Also says whether it was made."""
        found = self.by_external_id(given["external_id"]) if given.get("external_id") else None
        if found is None and given.get("email"):
            try:
                found = self.by_email(given["email"])
            except BadAddress as error:
                raise Invalid(details={"email": [str(error)]}) from None
            if found is not None and given.get("external_id") and found.external_id:
                message = "This email address belongs to a contact with another external id."
                raise Conflict(message, details={"email": [message]})
        if found is None:
            return self.create(given, source=source), True
        return self.update(found, given, source=source), False

    def delete(self, row: Contact) -> None:
        """Remove a contact, with its runs and their journals; its emails stay in the log, without the address.

        Mail that waits to be sent to it is called off.
        """
        for erase in self.services.registrations.erasers.values():
            erase(self.services, [row.id])
        self.session.delete(row)
        self.session.flush()
        self.services.changed("contacts")

    def merge(self, one: Contact, two: Contact) -> Contact:
        """Make one of two contacts; gives the survivor, which has the older id (see services.merging)."""
        return merge_contacts(self.services, one, two)

    def tag(self, row: Contact, add: Sequence[str], remove: Sequence[str] = ()) -> Contact:
        """Add and remove tags by name; new ones are made."""
        held(self.session, row)
        return self.update(row, {"tags": [*(set(row.tags) - set(remove)), *add]})

    def set_consent(
        self,
        row: Contact,
        marketing: str | None,
        source: str,
        at: datetime | None = None,
        tracking: str | None = None,
    ) -> Contact:
        """Keep what the person said about marketing mail, or about having opens and clicks recorded; None is
        what they said nothing about. When they did (`at`) is kept of marketing mail."""
        consent = {"marketing": marketing, "tracking": tracking, "source": source, "at": at}
        return self.update(row, {"consent": consent}, source=source)

    def unsubscribe(self, row: Contact, topic: str | None = None, *, source: str = "unsubscribe") -> Contact:
        """From one topic; without one, from all marketing mail."""
        if topic is not None:
            held(self.session, row)
            return self.update(row, {"topics": [key for key in row.topics if key != topic]}, source=source)
        given = {"status": "unsubscribed", "consent": {"marketing": "denied", "source": source}}
        return self.update(row, given, source=source)

    def _one(self, condition: Any) -> Contact | None:
        mine = select(Contact).where(Contact.workspace_id == self.workspace_id)
        return self.session.scalars(mine.where(condition)).first()

    def _note_tags(self, tags: Sequence[str]) -> None:
        insert_tags(self.session, ((self.workspace_id, tag) for tag in tags))

    def _tell(self, events: list[Event]) -> None:
        emit(self.services, events)
        self.services.nudge("route")
        self.services.changed("contacts")

    def _values(self, given: Mapping[str, Any], row: Contact) -> dict[str, Any]:
        given = {name: stripped(value) for name, value in given.items()}
        values: dict[str, Any] = {name: given[name] or "" for name in PLAIN if name in given}
        problems: dict[str, list[str]] = {}
        if "email" in given:
            try:
                email, normal = normal_email(given["email"]) if given["email"] else (None, "")
                values |= {"email": email, "email_normal": normal}
            except BadAddress as error:
                problems["email"] = [str(error)]
        if "timezone" in given:
            try:
                values["timezone"] = parse_timezone(given["timezone"]) if given["timezone"] else ""
            except ValueError as error:
                problems["timezone"] = [str(error)]
        if "external_id" in given:
            values["external_id"] = given["external_id"] or None
        if "business_id" in given:
            values["business_id"] = self._business(given["business_id"], problems)
        if given.get("status"):
            values["status"] = given["status"]
        if given.get("consent"):
            values |= self._consent(given["consent"], row)
        if "tags" in given:
            values["tags"] = clean_tags(given["tags"] or [])
        if "topics" in given:
            values["topics"] = self._topics(given["topics"] or [], problems)
        if problems:
            raise Invalid(details=problems)
        if "fields" in given:
            cleaned = clean_fields(given["fields"] or {}, self.services(Fields).types("contact"))
            values["fields"] = merged_fields(row.fields, cleaned)
        return values

    def _business(self, given: Any, problems: dict[str, list[str]]) -> UUID | None:
        id = UUID(given) if isinstance(given, str) and given else given or None
        if id and self.session.get(Business, (self.workspace_id, id)) is None:
            problems["business_id"] = ["There is no such business."]
        return id

    def _topics(self, given: Sequence[str], problems: dict[str, list[str]]) -> list[str]:
        topics = sorted(set(given))
        known = self.services(Topics).known()
        unknown = [topic for topic in topics if topic not in known]
        if unknown:
            problems["topics"] = [f"There is no topic “{topic[:80]}”." for topic in unknown[:10]]
        return topics

    def _consent(self, given: Mapping[str, Any], row: Contact) -> dict[str, Any]:
        """A statement that is repeated keeps the moment it was first made."""
        tracking = {"consent_tracking": given["tracking"]} if given.get("tracking") else {}
        marketing = given.get("marketing")
        if not marketing or (marketing == row.consent_marketing and not given.get("at")):
            return tracking
        return tracking | {
            "consent_marketing": marketing,
            "consent_at": given.get("at") or self.clock.now(),
            "consent_source": given.get("source") or "",
        }


def _said_at(given: Mapping[str, Any], source: str) -> str:
    """Where something was said: the place that its consent names, which knows better than the door it came by."""
    consent = given.get("consent") or {}
    return consent.get("source") or source
