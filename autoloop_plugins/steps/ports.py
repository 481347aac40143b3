"""Names that a person gives to ports: arms, cases, branches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import colander

__all__ = ["PORT", "port_problems"]

PORT = colander.Regex(r"^[a-z0-9_]{1,30}\Z", msg="must be lower-case letters, digits or _")


def port_problems(
    field: str, names: Sequence[str], reserved: Iterable[str] = ()
) -> Iterable[tuple[str, str]]:
    """What is wrong with these names, as (field, message)."""
    if len(set(names)) < len(names):
        yield field, "Two of them have the same name."
    for name in {"error", *reserved} & set(names):
        yield field, f"None of them may be named {name}."
