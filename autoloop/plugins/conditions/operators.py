"""Operators: what a field can be asked, each with the values it takes and what it means."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from autoloop.plugins.conditions.folding import fold
from autoloop.plugins.conditions.values import contains, moment, number

__all__ = ["FIELD_OPERATORS", "BadCondition", "Operator", "contains", "moment"]

Test = Callable[[Any, Any, datetime], bool]
LONGEST_DAYS = 36_500
UNKEEPABLE = re.compile("[\0\ud800-\udfff]")


class BadCondition(ValueError):
    """A condition that cannot be used; `place` leads to the part (`all.1.value`)."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place
        self.message = message


@dataclass(frozen=True, slots=True)
class Operator:
    """`takes`: nothing, scalar, text, number, list, moment or days. `test(found, wanted, now)`."""

    takes: str
    test: Test
    title: str


def _same(found: Any, wanted: Any, _now: datetime) -> bool:
    if isinstance(found, str) and isinstance(wanted, str):
        return fold(found) == fold(wanted)
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    held = number(found)
    return held is not None and held == number(wanted)


def _empty(found: Any) -> bool:
    return found is None or found in ("", [], {}, ())


def _text(test: Callable[[str, str], bool]) -> Test:
    return lambda found, wanted, _now: isinstance(found, str) and test(fold(found), fold(wanted))


def _numeric(test: Callable[[float, float], bool]) -> Test:
    def run(found: Any, wanted: Any, _now: datetime) -> bool:
        held, other = number(found), number(wanted)
        return held is not None and other is not None and test(held, other)

    return run


def _dated(test: Callable[[datetime, datetime], bool]) -> Test:
    def run(found: Any, wanted: Any, _now: datetime) -> bool:
        at, other = moment(found), moment(wanted)
        return at is not None and other is not None and test(at, other)

    return run


def _days(test: Callable[[timedelta, timedelta], bool]) -> Test:
    def run(found: Any, wanted: Any, now: datetime) -> bool:
        at = moment(found)
        return at is not None and test(now - at, timedelta(days=wanted))

    return run


def _has(found: Any, wanted: Any, now: datetime) -> bool:
    return isinstance(found, list | tuple) and any(_same(each, wanted, now) for each in found)


def _in(found: Any, wanted: Any, now: datetime) -> bool:
    return any(_same(found, each, now) for each in wanted)


ZERO = timedelta(0)

FIELD_OPERATORS: dict[str, Operator] = {
    "is": Operator("scalar", _same, "is"),
    "is_not": Operator("scalar", lambda f, w, n: not _same(f, w, n), "is not"),
    "exists": Operator("nothing", lambda f, _w, _n: not _empty(f), "is filled in"),
    "missing": Operator("nothing", lambda f, _w, _n: _empty(f), "is empty"),
    "in": Operator("list", _in, "is one of"),
    "not_in": Operator("list", lambda f, w, n: not _in(f, w, n), "is none of"),
    "contains": Operator("text", _text(lambda f, w: w in f), "contains"),
    "not_contains": Operator(
        "text", lambda f, w, _n: not (isinstance(f, str) and fold(w) in fold(f)), "does not contain"
    ),
    "starts_with": Operator("text", _text(str.startswith), "starts with"),
    "ends_with": Operator("text", _text(str.endswith), "ends with"),
    "gt": Operator("number", _numeric(lambda f, w: f > w), "is more than"),
    "gte": Operator("number", _numeric(lambda f, w: f >= w), "is at least"),
    "lt": Operator("number", _numeric(lambda f, w: f < w), "is less than"),
    "lte": Operator("number", _numeric(lambda f, w: f <= w), "is at most"),
    "has": Operator("scalar", _has, "has"),
    "has_not": Operator("scalar", lambda f, w, n: not _has(f, w, n), "has not"),
    "before": Operator("moment", _dated(lambda f, w: f < w), "is before"),
    "after": Operator("moment", _dated(lambda f, w: f > w), "is after"),
    "within_days": Operator("days", _days(lambda ago, days: ZERO <= ago <= days), "was in the last days"),
    "older_than_days": Operator("days", _days(lambda ago, days: ago > days), "is longer ago, in days"),
    "in_next_days": Operator("days", _days(lambda ago, days: ZERO <= -ago <= days), "is in the next days"),
}


def check_value(operator: Operator, value: Any, place: str) -> None:
    """Raise BadCondition unless the operator takes the value."""
    takes = operator.takes
    if takes == "nothing":
        fits = value is None
    elif takes == "text":
        fits = bool(value) and _text_value(value)
    elif takes == "number":
        fits = number(value) is not None
    elif takes == "days":
        fits = number(value) is not None and 0 <= value <= LONGEST_DAYS
    elif takes == "moment":
        fits = moment(value) is not None
    elif takes == "list":
        fits = isinstance(value, list | tuple) and 0 < len(value) <= 1000 and all(map(_scalar, value))
    else:
        fits = _scalar(value)
    if not fits:
        raise BadCondition(place, WANTED[takes])


def _scalar(value: Any) -> bool:
    return isinstance(value, bool) or number(value) is not None or _text_value(value)


def _text_value(value: Any) -> bool:
    """Text that a database can hold, too: no NUL, no half of a surrogate pair."""
    return isinstance(value, str) and len(value) <= 1000 and not UNKEEPABLE.search(value)


WANTED = {
    "nothing": "takes no value",
    "text": "must be a text of up to 1000 characters",
    "number": "must be a number",
    "days": f"must be a number of days from 0 to {LONGEST_DAYS}",
    "moment": "must be a date or a time in ISO 8601, like 2026-03-01 or 2026-03-01T09:00:00Z",
    "list": "must be a list of 1 to 1000 texts or numbers",
    "scalar": "must be a text, a number, true or false",
}
