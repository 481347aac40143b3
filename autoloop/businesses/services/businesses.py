"""Verbs of businesses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autoloop.base.errors import Invalid, NotFound
from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.businesses.addresses import BadAddress, normal_domain, normal_email
from autoloop.businesses.models import Business
from autoloop.businesses.services.records import (
    clean_fields,
    clean_tags,
    held,
    merged_fields,
    set_changed,
    stripped,
    written,
)
from autoloop.businesses.services.vocabulary import Fields, insert_tags
from autoloop.businesses.values import parse_timezone

__all__ = ["Businesses", "business_label"]

CONFLICTS = {
    "uq_businesses_workspace_id_external_id": (
        "external_id",
        "Another business has this external id.",
    ),
    "uq_businesses_workspace_id_domain_name_key": (
        "name",
        "There is a business of this name and domain already.",
    ),
}


class Businesses(Service):
    """Companies of the workspace."""

    def find(self, id: UUID) -> Business | None:
        return self.session.get(Business, (self.workspace_id, id))

    def create(self, given: Mapping[str, Any]) -> Business:
        """Make a business. Raises Invalid, or Conflict where one is known by the same identity."""
        row = Business(workspace_id=self.workspace_id, id=new_id(), user_id=self.services.user_id)
        row.tags, row.fields = [], {}
        set_changed(row, self._values(_with_domain(given), {}))
        with written(self.session, CONFLICTS):
            self.session.add(row)
        self._note_tags(row.tags)
        self.services.changed("businesses")
        return row

    def update(self, row: Business, given: Mapping[str, Any]) -> Business:
        """Change what is given; the rest stays. Tags are replaced, custom fields merged."""
        held(self.session, row)
        values = self._values(given, row.fields)
        with written(self.session, CONFLICTS):
            changed = set_changed(row, values)
        if changed:
            self._note_tags(row.tags)
            self.services.changed("businesses", "contacts")
        return row

    def upsert(self, given: Mapping[str, Any]) -> tuple[Business, bool]:
        """Find by external id, else by domain and name; change or make it. Also says whether it was made."""
        found = self._identified(given)
        return (self.create(given), True) if found is None else (self.update(found, given), False)

    def delete(self, row: Business) -> None:
        """Remove a business. Its contacts stay, without one."""
        self.session.delete(row)
        self.session.flush()
        self.services.changed("businesses", "contacts")

    def tag(self, row: Business, add: list[str], remove: list[str]) -> Business:
        held(self.session, row)
        return self.update(row, {"tags": [*(set(row.tags) - set(remove)), *add]})

    def require(self, id: UUID) -> Business:
        row = self.find(id)
        if row is None:
            raise NotFound
        return row

    def labels(self, most: int = 200) -> list[str]:
        """Some businesses by label, for a person to choose from."""
        mine = select(Business.name, Business.domain).where(Business.workspace_id == self.workspace_id)
        return [business_label(row) for row in self.session.execute(mine.order_by(Business.name).limit(most))]

    def by_label(self, label: str) -> Business | None:
        """The business that a person wrote down: “Acme”, or “Acme (acme.com)”."""
        name, _, domain = label.rstrip(")").rpartition(" (")
        mine = select(Business).where(Business.workspace_id == self.workspace_id)
        exact = mine.where(Business.name_key == name.lower(), Business.domain == domain.lower())
        named = mine.where(Business.name_key == label.lower())
        for statement in (named, exact):
            found = self.session.scalars(statement.order_by(Business.domain, Business.id).limit(1)).first()
            if found is not None:
                return found
        return None

    def _identified(self, given: Mapping[str, Any]) -> Business | None:
        mine = select(Business).where(Business.workspace_id == self.workspace_id)
        if given.get("external_id"):
            return self.session.scalars(mine.where(Business.external_id == given["external_id"])).first()
        values = self._values(_with_domain(given), {})
        same = mine.where(
            Business.domain == values.get("domain", ""), Business.name_key == values.get("name", "").lower()
        )
        return self.session.scalars(
            same.order_by(Business.external_id.nulls_first(), Business.id).limit(1)
        ).first()

    def _note_tags(self, tags: list[str]) -> None:
        insert_tags(self.session, ((self.workspace_id, tag) for tag in tags))

    def _values(self, given: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: stripped(value) for name, value in given.items() if name not in ("fields", "tags")}
        problems: dict[str, list[str]] = {}
        for name, parse in (
            ("email", lambda text: normal_email(text)[1]),
            ("domain", normal_domain),
            ("timezone", parse_timezone),
        ):
            if values.get(name):
                try:
                    values[name] = parse(values[name])
                except (BadAddress, ValueError) as error:
                    problems[name] = [str(error)]
        if "external_id" in values:
            values["external_id"] = values["external_id"] or None
        if "email" in values:
            values["email"] = values["email"] or None
        for name in ("domain", "phone", "website", "city", "country", "timezone"):
            if name in values:
                values[name] = values[name] or ""
        if "name" in values and not values["name"]:
            problems["name"] = ["A business has a name."]
        if problems:
            raise Invalid(details=problems)
        if "tags" in given:
            values["tags"] = clean_tags(given["tags"] or [])
        if "fields" in given:
            cleaned = clean_fields(given["fields"] or {}, self.services(Fields).types("business"))
            values["fields"] = merged_fields(fields, cleaned)
        return values


def business_label(row: Any) -> str:
    """How a business is named where one is chosen: with its domain, which tells namesakes apart."""
    return f"{row.name} ({row.domain})" if row.domain else row.name


def _with_domain(given: Mapping[str, Any]) -> dict[str, Any]:
    """A new business takes its domain from its website, if it is given none."""
    if given.get("domain") or not given.get("website"):
        return dict(given)
    try:
        return {**given, "domain": normal_domain(given["website"])}
    except BadAddress:
        return dict(given)
