"""Rows of one chunk, with what is said twice in it said once: sets can then be written at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autoloop.businesses.services.imports.rows import BadRow, Row, Values

__all__ = ["Batch", "Person"]


@dataclass(slots=True)
class Person:
    """A contact of the chunk: its values, the first row that names it, its business's place in the chunk."""

    row: Row
    values: Values
    business: int | None
    line: int


@dataclass
class Batch:
    """Distinct contacts and businesses of a chunk, in the order they first came."""

    people: list[Person] = field(default_factory=list)
    companies: list[Values] = field(default_factory=list)
    alone: dict[int, Row] = field(default_factory=dict)
    repeated: int = 0
    _by_email: dict[str, int] = field(default_factory=dict)
    _by_id: dict[str, int] = field(default_factory=dict)
    _by_company: dict[Any, int] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Raises BadRow if the row contradicts one before it."""
        place = self._contact_place(row) if row.contact else None
        company = self._company(row.business) if row.business else None
        if not row.contact:
            if company in self.alone:
                self.repeated += 1
            elif company is not None:
                self.alone[company] = row
            return
        if place is None:
            person = Person(row, row.contact, company, row.line)
            self.people.append(person)
            place = len(self.people) - 1
        else:
            person = self.people[place]
            self._forget_email(person, row.contact)
            _merge(person.values, row.contact)
            person.business = person.business if company is None else company
            person.line = row.line
            self.repeated += 1
        if row.contact.get("email_normal"):
            self._by_email[row.contact["email_normal"]] = place
        if row.contact.get("external_id"):
            self._by_id[row.contact["external_id"]] = place

    def _contact_place(self, row: Row) -> int | None:
        external_id, email = row.contact.get("external_id"), row.contact.get("email_normal")
        by_id = self._by_id.get(external_id) if external_id else None
        by_email = self._by_email.get(email) if email else None
        if by_email is None:
            return by_id
        other = self.people[by_email]
        if by_id not in (None, by_email) or (
            by_id is None and external_id and other.values.get("external_id")
        ):
            raise BadRow(f"the email address is that of another contact, on line {other.line}")
        return by_email

    def _forget_email(self, person: Person, values: Mapping[str, Any]) -> None:
        old, new = person.values.get("email_normal"), values.get("email_normal")
        if old and new and old != new:
            self._by_email.pop(old, None)

    def _company(self, values: Values) -> int:
        key: Any = values.get("external_id") or (
            values.get("domain", ""),
            (values.get("name") or "").lower(),
        )
        place = self._by_company.get(key)
        if place is None:
            place = self._by_company[key] = len(self.companies)
            self.companies.append(values)
        else:
            _merge(self.companies[place], values)
        return place


def _merge(held: Values, given: Mapping[str, Any]) -> None:
    """Later values over earlier ones; tags and custom fields add up."""
    for name, value in given.items():
        if name == "fields":
            held["fields"] = {**held.get("fields", {}), **value}
        elif name in ("tags", "topics"):
            held[name] = sorted({*held.get(name, ()), *value})
        else:
            held[name] = value
