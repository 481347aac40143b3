"""Truth, equality and order between plain values. What cannot be compared is not equal and not less."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from autoloop.base.liquid.faults import Fault
from autoloop.base.liquid.frame import BLANK, EMPTY, Frame

__all__ = ["contains", "equal", "less", "truthy"]


def truthy(value: Any) -> bool:
    """Everything but nil and false."""
    return value is not None and value is not False


def equal(frame: Frame, left: Any, right: Any) -> bool:
    if left is EMPTY or left is BLANK:
        left, right = right, left
    if right is EMPTY or right is BLANK:
        if isinstance(left, str):
            return not left or (right is BLANK and left.isspace())
        return left is right or (isinstance(left, (list, dict)) and not left)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (list, dict)) and isinstance(right, (list, dict)):
        frame.weigh(left)
        frame.weigh(right)
        try:
            return bool(left == right)
        except RecursionError:
            raise Fault("these values are nested too deeply to compare") from None
    if isinstance(left, str) and isinstance(right, str):
        frame.spend(min(len(left), len(right)) >> 9)
    return bool(left == right)


def less(frame: Frame, left: Any, right: Any) -> bool:
    """Numbers by size, texts by letter, dates by time; a date may stand beside its ISO text."""
    if isinstance(left, bool) or isinstance(right, bool):
        return False
    if isinstance(left, date) or isinstance(right, date):
        return _earlier(left, right)
    if isinstance(left, str) and isinstance(right, str):
        frame.spend(min(len(left), len(right)) >> 9)
        return left < right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left < right
    return False


def _earlier(left: Any, right: Any) -> bool:
    first, second = _moment(left), _moment(right)
    if first is None or second is None:
        return False
    if (first.tzinfo is None) != (second.tzinfo is None):
        first, second = first.replace(tzinfo=None), second.replace(tzinfo=None)
    return first < second


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, str) and len(value) <= 40:
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return None
    return None


def contains(frame: Frame, left: Any, right: Any) -> bool:
    """Text in text, or an entry in a list, or a key in a dictionary."""
    if not truthy(left) or not truthy(right):
        return False
    if isinstance(left, str):
        needle = frame.text(right)
        # CPython's search is worst where both are short enough for its simple form.
        frame.spend(len(left) * (6 if len(left) >= 30_000 else min(len(needle), 100)) >> 8)
        return needle in left
    if isinstance(left, range):
        return isinstance(right, int) and right in left
    if isinstance(left, list):
        frame.weigh(left)
        return right in left
    return isinstance(left, dict) and isinstance(right, (str, int)) and right in left
