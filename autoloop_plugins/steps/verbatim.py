"""Settings from before a field took expressions: what looks like one there is text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["verbatim"]


def verbatim(value: Any) -> Any:
    """The same value, of which no text is an expression."""
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        return "{% raw %}" + value + "{% endraw %}"
    if isinstance(value, Mapping):
        return {key: verbatim(each) for key, each in value.items()}
    return [verbatim(each) for each in value] if isinstance(value, list) else value
