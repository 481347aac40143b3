"""Column types and checks that several tables of this domain share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["PUNCTUATION", "empty_text", "one_of", "searchable", "words"]

# What parts words in addresses and names: without it "ada@acme.com" would be one word.
PUNCTUATION = "@.-_+/,;:()'\""


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """A column that holds one of a few words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=column)


def words() -> Mapped[list[str]]:
    """A set of names, sorted, each once: read with the row, found through a GIN index."""
    return mapped_column(ARRAY(Text), default=list, server_default="{}")


def empty_text(**options: Any) -> Mapped[str]:
    """Text that is empty rather than null, so that it sorts and pages through a plain index."""
    return mapped_column(default="", server_default="", **options)


def searchable(expression: str) -> str:
    """The search vector of an SQL expression, for a generated column."""
    quoted = PUNCTUATION.replace("'", "''")
    return f"to_tsvector('simple', translate({expression}, '{quoted}', '{' ' * len(PUNCTUATION)}'))"
