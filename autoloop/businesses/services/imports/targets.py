"""What a column can become, and whether a mapping makes sense."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _

__all__ = ["BUSINESS", "CONTACT", "OPTIONS", "check_mapping", "check_options", "new_fields"]

# target → title, longest text
CONTACT: dict[str, tuple[Any, int]] = {
    "email": (_("Email"), 320),
    "external_id": (_("External id"), 200),
    "first_name": (_("First name"), 200),
    "last_name": (_("Last name"), 200),
    "full_name": (_("Full name"), 400),
    "title": (_("Job title"), 200),
    "phone": (_("Phone"), 60),
    "timezone": (_("Time zone"), 60),
    "locale": (_("Language"), 20),
    "tags": (_("Tags"), 2000),
    "topics": (_("Topics"), 2000),
    "consent": (_("Marketing consent"), 60),
    "consent_tracking": (_("Consent to recording opens and clicks"), 60),
    "status": (_("Status"), 30),
}
BUSINESS: dict[str, tuple[Any, int]] = {
    "business.name": (_("Name"), 200),
    "business.domain": (_("Domain"), 400),
    "business.website": (_("Website"), 400),
    "business.external_id": (_("External id"), 200),
    "business.email": (_("Email"), 320),
    "business.phone": (_("Phone"), 60),
    "business.city": (_("City"), 200),
    "business.country": (_("Country"), 100),
    "business.timezone": (_("Time zone"), 60),
    "business.status": (_("Status"), 30),
    "business.tags": (_("Tags"), 2000),
}
CONTACT_IDENTITY = ("email", "external_id")
BUSINESS_IDENTITY = ("business.name", "business.domain", "business.website", "business.external_id")
FIELD = re.compile(r"(business\.)?fields\.[a-z][a-z0-9_]{0,62}\Z")

# What may be said about an import as a whole, with what holds if nothing is said.
OPTIONS: dict[str, Any] = {
    "quiet": False,
    "update_existing": True,
    "empty": "keep",
    "consent": "unknown",
    "tags": [],
}


def check_mapping(columns: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """A full mapping: every column of the file, "" where it is left out. Raises Invalid by column."""
    problems: dict[str, list[str]] = {}
    seen: dict[str, str] = {}
    for column, target in mapping.items():
        if column not in columns:
            problems[column[:200]] = ["The file has no such column."]
        elif target and target not in CONTACT and target not in BUSINESS and not FIELD.match(target):
            problems[column] = [f"“{target[:80]}” is nothing that a column can become."]
        elif target and target in seen:
            problems[column] = [f"The column “{seen[target]}” goes there already."]
        elif target:
            seen[target] = column
    if not problems and not seen.keys() & {*CONTACT_IDENTITY, *BUSINESS_IDENTITY}:
        problems["mapping"] = [
            "Say which column holds the email address or the external id of contacts, or the name or domain of businesses."
        ]
    person = [target for target in seen if not target.startswith("business.")]
    if not problems and person and not seen.keys() & set(CONTACT_IDENTITY):
        problems["mapping"] = [
            "Contacts are told apart by email address or external id: say which column holds one, or leave out "
            + ", ".join(f"“{seen[target]}”" for target in person[:5])
            + "."
        ]
    if problems:
        raise Invalid(details=problems)
    return {column: mapping.get(column, "") for column in columns}


def check_options(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given.get(name, default) for name, default in OPTIONS.items()}


def new_fields(mapping: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Targets that would be new custom fields → the column they come from."""
    return {
        target: column
        for column, target in mapping.items()
        if target and FIELD.match(target) and target not in known
    }
