"""What a template may cost, by the place it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["EXPRESSION", "HEADER", "HTML", "MAX_LIST", "TEXT", "Profile"]

MAX_LIST = 10_000
"""The longest range, list or loop."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Limits of one place, and how values are escaped there.

    `source` and `expressions` are characters: of the whole, and of what stands between braces.
    `value` is the largest text a filter takes or gives, `total` all text one rendering makes, both
    in bytes of memory. A step is about 0.15 µs of processor time.
    """

    name: str
    escape: Literal["html", "header", "text"]
    source: int
    tags: int
    expressions: int
    value: int
    total: int
    steps: int


HTML = Profile("html", "html", 512_000, 1_000, 16_000, 1 << 20, 2 << 20, 80_000)
TEXT = Profile("text", "text", 512_000, 1_000, 16_000, 1 << 20, 2 << 20, 80_000)
HEADER = Profile("header", "header", 2_000, 100, 2_000, 1 << 16, 1 << 17, 10_000)
EXPRESSION = Profile("expression", "text", 1 << 16, 500, 8_000, 1 << 16, 1 << 18, 30_000)
