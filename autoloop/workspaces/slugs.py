"""Slugs: the names of workspaces in addresses."""

from __future__ import annotations

import re
import secrets
import unicodedata

__all__ = ["RESERVED", "SHAPE", "slug_of", "with_chance"]

SHAPE = re.compile(r"(?=.{2,40}\Z)[a-z0-9]+(?:-[a-z0-9]+)*\Z")

# Names of views of the tree, now or later: a workspace must not stand where one of them is.
RESERVED = frozenset({"new", "create", "system", "admin", "api", "search", "settings", "edit", "delete"})


def slug_of(name: str) -> str:
    """A slug that is like the name: “Müller & Söhne” → muller-sohne. May be taken."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:32].strip("-")
    return slug if SHAPE.match(slug) and slug not in RESERVED else with_chance("team")


def with_chance(slug: str) -> str:
    """The slug with a short tail that nobody has."""
    return f"{slug[:32].strip('-')}-{secrets.token_hex(3)}"
