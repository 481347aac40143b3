"""What a filter is: its arguments, and its work on a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autoloop.base.liquid.faults import Fault
from autoloop.base.liquid.frame import Frame

__all__ = ["Filter", "Work", "integer", "number", "whole"]

Work = Callable[..., Any]
MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Filter:
    """`work(frame, value, *arguments)`, with `least` to `most` arguments and these named ones."""

    work: Work
    least: int = 0
    most: int = 0
    named: frozenset[str] = frozenset()

    @property
    def takes(self) -> str:
        if not self.most:
            return "no arguments"
        span = str(self.most) if self.least == self.most else f"{self.least} to {self.most}"
        return f"{span} argument{'' if span == '1' else 's'}"


def whole(value: Any, default: int) -> int:
    """A whole number, as Liquid reads one from anything; `default` if it cannot."""
    if isinstance(value, bool) or value is None:
        return default
    if isinstance(value, str):
        if len(value) > MAX_DIGITS + 1:
            return default
        try:
            return int(value)
        except ValueError:
            return default
    if isinstance(value, (int, float)):
        try:
            return int(value)
        except (OverflowError, ValueError):
            return default
    return default


def number(value: Any) -> int | float:
    """A number, as Liquid reads one from anything; 0 if it cannot."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str) and len(value) <= 40:
        try:
            return int(value) if len(value) <= MAX_DIGITS + 1 else float(value)
        except ValueError:
            pass
        try:
            return float(value)
        except ValueError:
            return 0
    return 0


def integer(frame: Frame, value: float) -> int | float:
    """A result that still fits 64 bits: numbers cannot be grown either."""
    frame.spend(1)
    if isinstance(value, int) and abs(value) >= 1 << 63:
        raise Fault("this number is too large")
    return value
