"""Filters that reckon."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from autoloop.base.liquid.faults import Fault
from autoloop.base.liquid.filters.contract import Filter, integer, number, whole
from autoloop.base.liquid.frame import Frame

__all__ = ["NUMBERS"]

Number = int | float


def _exactly(name: str, operate: Callable[[Any, Any], Any]) -> Filter:
    """Whole numbers stay whole; the others are reckoned in decimal, so that 0.1 + 0.2 is 0.3."""

    def work(frame: Frame, value: Any, other: Any) -> Number:
        left, right = number(value), number(other)
        try:
            if isinstance(left, int) and isinstance(right, int):
                return integer(frame, operate(left, right))
            return float(operate(Decimal(str(left)), Decimal(str(right))))
        except ZeroDivisionError:
            raise Fault(f"“{name}” by zero") from None
        except (InvalidOperation, OverflowError):
            raise Fault(f"“{name}” of these numbers has no result") from None

    return Filter(work, 1, 1)


def _divide(frame: Frame, value: Any, other: Any) -> Number:
    left, right = number(value), number(other)
    try:
        if isinstance(left, int) and isinstance(right, int):
            return integer(frame, left // right)
        return left / right
    except ZeroDivisionError:
        raise Fault("“divided_by” by zero") from None


def _rounded(way: Callable[[Any], int]) -> Filter:
    def work(frame: Frame, value: Any) -> int:
        try:
            return int(integer(frame, way(number(value))))
        except (OverflowError, ValueError):
            raise Fault("this number cannot be rounded") from None

    return Filter(work)


def _round(frame: Frame, value: Any, digits: Any = None) -> Number:
    places = min(whole(digits, 0), 15)
    if places < 0:
        return 0
    try:
        return integer(frame, round(number(value), places) if places else round(number(value)))
    except (OverflowError, ValueError):
        raise Fault("this number cannot be rounded") from None


def _remainder(left: Any, right: Any) -> Any:
    return left % right


NUMBERS: dict[str, Filter] = {
    "abs": Filter(lambda frame, value: integer(frame, abs(number(value)))),
    "at_least": Filter(lambda _frame, value, other: max(number(value), number(other)), 1, 1),
    "at_most": Filter(lambda _frame, value, other: min(number(value), number(other)), 1, 1),
    "ceil": _rounded(math.ceil),
    "divided_by": Filter(_divide, 1, 1),
    "floor": _rounded(math.floor),
    "minus": _exactly("minus", lambda left, right: left - right),
    "modulo": _exactly("modulo", _remainder),
    "plus": _exactly("plus", lambda left, right: left + right),
    "round": Filter(_round, 0, 1),
    "times": _exactly("times", lambda left, right: left * right),
}
