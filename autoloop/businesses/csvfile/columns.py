"""What each column probably is: by its name in several languages, else by what stands in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache

from autoloop.businesses.csvfile.synonyms import BUSINESS_FIELDS, SYNONYMS

__all__ = ["guess_kind", "guess_mapping", "key_of", "plain_name"]

EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]{2,}>?\Z")
URL = re.compile(r"(https?://|www\.)\S+\Z", re.IGNORECASE)
PHONE = re.compile(r"'?\+?[\d\s()/.-]{7,20}\Z")
NUMBER = re.compile(r"-?\d{1,12}([.,]\d{1,6})?\Z")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
BOOLEANS = frozenset({"yes", "no", "true", "false", "ja", "nein", "oui", "non", "si"})
MOST_NEW_FIELDS = 20
OWN_FIELD = re.compile(r"(business\.)?fields\.[a-z][a-z0-9_]{0,62}\Z")  # as our exports write it


def plain_name(header: str) -> str:
    """“E-Mail-Adresse” → “e mail adresse”."""
    folded = unicodedata.normalize("NFKD", header.casefold())
    letters = "".join(char for char in folded if not unicodedata.combining(char))
    return " ".join(re.sub(r"[\W_]+", " ", letters).split())


@cache
def _known() -> dict[str, str]:
    known: dict[str, str] = {}
    for target, names in SYNONYMS.items():
        for name in (*names.split(";"), target):
            known.setdefault(plain_name(name), target)
    return known


def key_of(header: str) -> str:
    """A field's key from a column's name: “Jahres-Umsatz (€)” → `jahres_umsatz`. Empty if nothing is left."""
    key = re.sub(r"[^a-z0-9]+", "_", plain_name(header)).strip("_")[:60].strip("_")
    return key if not key or key[0].isalpha() else f"f_{key}"


def guess_mapping(
    columns: Sequence[str], samples: Sequence[Sequence[str]], fields: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Column → target ("email", "business.name", "fields.plan", "business.fields.industry"), "" for nothing.

    `fields` are the custom fields there are: target → title. Each target is given once. Columns that
    nothing is known of become new fields, unless they are empty.
    """
    known = _known() | {plain_name(title): target for target, title in (fields or {}).items()}
    known |= {plain_name(target.rpartition(".")[2]): target for target in fields or {}}
    known |= {plain_name(column): column for column in columns if OWN_FIELD.match(column)}
    taken: set[str] = set()
    mapping = dict.fromkeys(columns, "")

    def take(column: str, target: str) -> None:
        mapping[column] = target
        taken.add(target)

    for column in columns:
        target = known.get(plain_name(column))
        if target is not None and target not in taken:
            take(column, target)
    values = {column: _values(samples, n) for n, column in enumerate(columns)}
    for column in columns:
        if not mapping[column]:
            found = _by_values(values[column], taken)
            if found:
                take(column, found)
    _settle_names(columns, mapping, taken)
    new = 0
    for column in columns:
        key = key_of(column)
        if mapping[column] or not values[column] or not key or re.match(r"Column \d+\Z|Unnamed", column):
            continue
        target = (
            f"business.fields.{key}" if BUSINESS_FIELDS & set(plain_name(column).split()) else f"fields.{key}"
        )
        if target not in taken and new < MOST_NEW_FIELDS:
            take(column, target)
            new += 1
    return mapping


def _settle_names(columns: Sequence[str], mapping: dict[str, str], taken: set[str]) -> None:
    """A lone “Name”: the company's, if nothing else is and the person has a name; else the person's."""
    for column in columns:
        if mapping[column] or plain_name(column) not in ("name", "naam", "nazwa", "navn", "namn", "nimi"):
            continue
        person = taken & {"first_name", "last_name", "full_name"}
        lone_company = "business.name" not in taken and (person or taken.isdisjoint({"email"}))
        target = "business.name" if lone_company else "full_name"
        if target not in taken:
            mapping[column] = target
            taken.add(target)
    # “Nom” beside “Prénom” is the family name; “Nome” without “Cognome” may be anything, and stays.


def _values(samples: Sequence[Sequence[str]], n: int) -> list[str]:
    return [row[n].strip() for row in samples if n < len(row) and row[n].strip()]


def _by_values(values: Sequence[str], taken: set[str]) -> str:
    if not values:
        return ""
    for target, shape in (("email", EMAIL), ("business.website", URL)):
        if target not in taken and sum(1 for each in values if shape.search(each)) > 0.7 * len(values):
            return target
    if (
        "phone" not in taken
        and all(PHONE.match(each) for each in values)
        and any(each.startswith(("+", "'+", "0", "(")) for each in values)
        and not any(DATE.match(each) for each in values)
    ):
        return "phone"
    return ""


def guess_kind(values: Sequence[str]) -> str:
    """The kind of a new field, from some values: number, boolean, date or text."""
    given = [each.strip() for each in values if each.strip()]
    if not given:
        return "text"
    if all(each.casefold() in BOOLEANS for each in given):
        return "boolean"
    if all(DATE.match(each) for each in given):
        return "date"
    # Leading zeros mean a code, not a quantity.
    if all(NUMBER.match(each) and not re.match(r"-?0\d", each) for each in given):
        return "number"
    return "text"
