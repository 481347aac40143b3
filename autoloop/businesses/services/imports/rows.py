"""Cells of a record become what is known of a contact and of a business."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from autoloop.base.lines import tidy
from autoloop.businesses.addresses import BadAddress, normal_domain, normal_email
from autoloop.businesses.formulas import unguard
from autoloop.businesses.models import BUSINESS_STATUSES, CONTACT_STATUSES
from autoloop.businesses.services.imports.targets import BUSINESS, CONTACT
from autoloop.businesses.values import (
    LONGEST,
    FieldType,
    clean_words,
    parse_consent,
    parse_timezone,
    split_name,
)

__all__ = ["BadRow", "Row", "RowReader"]

WORDS = re.compile(r"[;,|]")
Values = dict[str, Any]


class Take(NamedTuple):
    """What one column gives: to the business (`ours`) or the contact, under which name."""

    index: int
    ours: bool
    name: str
    longest: int
    parse: Callable[[str], Any] | None
    custom: bool
    column: str


class BadRow(ValueError):
    """A row that is not taken; the message says why."""


@dataclass(slots=True)
class Row:
    """A record read: what it gives of a contact and of a business, each maybe nothing.

    Only what is given is there. Custom fields lie under "fields"; None in it empties one.
    """

    line: int
    cells: list[str]
    contact: Values
    business: Values


class RowReader:
    """Reads records by a mapping. Compiled once per chunk: one function per column."""

    def __init__(
        self,
        columns: Sequence[str],
        mapping: Mapping[str, str],
        contact_fields: Mapping[str, FieldType],
        business_fields: Mapping[str, FieldType],
        topics: Mapping[str, str],
        *,
        clear_empty: bool = False,
    ) -> None:
        self.width = len(columns)
        self.clear_empty = clear_empty
        self.topics = topics
        self.takes: list[Take] = []
        for index, column in enumerate(columns):
            target = mapping.get(column)
            if target:
                self.takes.append(self._take(index, target, column, contact_fields, business_fields))

    def read(self, line: int, cells: list[str]) -> Row:
        """Raises BadRow."""
        count = len(cells)
        if count > self.width and any(cell.strip() for cell in cells[self.width :]):
            raise BadRow(f"the row has {count} cells, the header {self.width}")
        contact: Values = {}
        business: Values = {}
        for index, ours, name, longest, parse, custom, column in self.takes:
            if index >= count:
                continue
            cell = cells[index].strip()
            values = business if ours else contact
            if not cell:
                if self.clear_empty:
                    _clear(values, name, custom)
                continue
            if cell[0] == "'":
                cell = unguard(cell)
            if len(cell) > longest:
                raise BadRow(f"{column}: {len(cell):,} characters are more than {longest:,}")
            if parse is None:
                value: Any = cell if custom else tidy(cell)
            else:
                try:
                    value = parse(cell)
                except ValueError as error:
                    raise BadRow(f"{column}: {error}") from None
                if value is None:
                    continue
            if custom:
                values.setdefault("fields", {})[name] = value
            else:
                values[name] = value
        if "email" in contact:
            contact["email"], contact["email_normal"] = contact["email"]
        self._settle(contact, business)
        return Row(line, cells, contact, business)

    def _settle(self, contact: Values, business: Values) -> None:
        if contact:
            full = contact.pop("full_name", None)
            if full:
                first, last = split_name(full)
                contact.setdefault("first_name", first)
                contact.setdefault("last_name", last)
            if "email_normal" not in contact and not contact.get("external_id"):
                # In a file of contacts some businesses have none: their rows give the business alone.
                if any(contact.get(name) for name in ("first_name", "last_name", "phone", "title")):
                    raise BadRow("the contact has neither an email address nor an external id")
                contact.clear()
        if business:
            if not business.get("domain") and business.get("website"):
                domain = _domain_or_none(business["website"])
                if domain:
                    business["domain"] = domain
            if not (business.get("name") or business.get("domain") or business.get("external_id")):
                business.clear()
        if not contact and not business:
            raise BadRow("the row names neither a contact nor a business")

    def _take(
        self,
        index: int,
        target: str,
        column: str,
        contact_fields: Mapping[str, FieldType],
        business_fields: Mapping[str, FieldType],
    ) -> Take:
        ours = target.startswith("business.")
        name = target.removeprefix("business.")
        if name.startswith("fields."):
            type_ = (business_fields if ours else contact_fields)[name[7:]]
            return Take(index, ours, name[7:], LONGEST, None if type_.kind == "text" else type_, True, column)
        parse: Callable[[str], Any] | None = {
            "tags": _words,
            "topics": self._topics,
            "timezone": parse_timezone,
            "consent": parse_consent,
            "consent_tracking": parse_consent,
            "domain": _domain,
            "email": _plain_email if ours else normal_email,
            "status": _status(BUSINESS_STATUSES if ours else CONTACT_STATUSES),
        }.get(name)
        return Take(index, ours, name, (BUSINESS if ours else CONTACT)[target][1], parse, False, column)

    def _topics(self, cell: str) -> list[str]:
        keys = []
        for word in _words(cell):
            key = self.topics.get(word.casefold())
            if key is None:
                raise ValueError(f"there is no topic “{word[:40]}”")
            keys.append(key)
        return sorted(set(keys))


def _clear(values: Values, name: str, custom: bool) -> None:
    if custom:
        values.setdefault("fields", {})[name] = None
    elif name in ("first_name", "last_name", "title", "phone", "locale", "website", "city", "country"):
        values[name] = ""


def _plain_email(cell: str) -> str:
    return normal_email(cell)[1]


@lru_cache(4096)
def _domain(cell: str) -> str:
    return normal_domain(cell)


@lru_cache(4096)
def _domain_or_none(website: str) -> str | None:
    try:
        return normal_domain(website)
    except BadAddress:
        return None


@lru_cache(4096)
def _word_tuple(cell: str) -> tuple[str, ...]:
    return tuple(clean_words(WORDS.split(cell), "tags"))


def _words(cell: str) -> list[str]:
    return list(_word_tuple(cell))


def _status(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def parse(cell: str) -> str:
        if cell.casefold() not in allowed:
            raise ValueError(f"“{cell[:40]}” is none of {', '.join(allowed)}")
        return cell.casefold()

    return parse
