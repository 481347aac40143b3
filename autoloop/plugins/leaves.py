"""The values inside lists and mappings, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["leaves"]


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Each value that holds no others, with its dotted place: `arms.0.weight`."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from leaves(each, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from leaves(each, f"{place}.{index}" if place else str(index))
    else:
        yield place, value
