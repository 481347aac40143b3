"""What both kinds of records share: cleaning what is given, setting what changed, naming conflicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.orm import Session

from autoloop.base.errors import Conflict, Invalid, NotFound
from autoloop.base.lines import tidy
from autoloop.businesses.values import BadValue, FieldType, clean_words

__all__ = [
    "changed_names",
    "clean_fields",
    "clean_tags",
    "held",
    "merged_fields",
    "set_changed",
    "stripped",
    "written",
]


def clean_fields(given: Mapping[str, Any], types: Mapping[str, FieldType]) -> dict[str, Any]:
    """Values of custom fields, each of its kind; None empties one. Raises Invalid by field."""
    problems: dict[str, list[str]] = {}
    cleaned: dict[str, Any] = {}
    for key, value in given.items():
        if key not in types:
            problems[f"fields.{key}"[:200]] = ["There is no such custom field."]
            continue
        try:
            cleaned[key] = types[key](value)
        except ValueError as error:
            problems[f"fields.{key}"] = [str(error)]
    if problems:
        raise Invalid(details=problems)
    return cleaned


def clean_tags(given: Iterable[str]) -> list[str]:
    """Tags of a record, each once. Raises Invalid if there are too many, or one is no name."""
    try:
        return clean_words(given, "tags")
    except BadValue as error:
        raise Invalid(str(error), details={"tags": [str(error)]}) from None


def held(session: Session, row: Any) -> None:
    """Lock a row and read it again: what others committed since it was loaded is not overwritten.

    Raises NotFound if it is gone.
    """
    session.flush()  # what this transaction set itself stays
    try:
        session.refresh(row, with_for_update={"key_share": True})
    except InvalidRequestError:
        raise NotFound from None


def merged_fields(held: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Custom fields after a change: what is None goes, what is not named stays."""
    return {key: value for key, value in (dict(held) | dict(given)).items() if value is not None}


def stripped(value: Any) -> Any:
    """Text as one tidy line; anything else as it is."""
    return tidy(value) if isinstance(value, str) else value


def set_changed(row: Any, values: Mapping[str, Any]) -> list[str]:
    """Set what differs; returns the names of what did."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    return changed


def changed_names(columns: Iterable[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What of a contact changed, named as triggers and conditions do: `title`, `consent` and
    `consent.marketing`, `fields.key` for each custom field that differs."""
    names = set(columns)
    consents = {name for name in names if name.startswith("consent_")}
    names -= {"email_normal", "fields", *consents}
    names |= {name.replace("_", ".") for name in consents} | ({"consent"} if consents else set())
    keys = before.keys() | after.keys()
    return sorted(names | {f"fields.{key}" for key in keys if before.get(key) != after.get(key)})


@contextmanager
def written(session: Session, conflicts: Mapping[str, tuple[str, str]]) -> Iterator[None]:
    """Make changes inside, and write them at its end, in a savepoint: the transaction outlives a conflict.

    A broken constraint becomes a Conflict: constraint → (field, message).
    """
    try:
        with session.begin_nested():
            yield
            session.flush()
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        found = conflicts.get(getattr(diagnosis, "constraint_name", "") or "")
        if found is None:
            raise
        field, message = found
        raise Conflict(message, details={field: [message]}) from error
