"""The `date` filter, with formats whose width is known: glibc alone would write `%999999999d` out."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from markupsafe import Markup

from autoloop.base.liquid.faults import Fault
from autoloop.base.liquid.filters.contract import Filter
from autoloop.base.liquid.frame import Frame

__all__ = ["DATES"]

_DIRECTIVE = re.compile(r"%(-?)(.?)", re.DOTALL)
_KNOWN = frozenset("aAbBcdDeFHIjkmMnpPrRsStTuUVwWxXyYzZlh%")


def _date(frame: Frame, value: Any, form: Any = None, zone: Any = None) -> str:
    moment = _moment(frame, value)
    if moment is None or form is None:
        return frame.text(value)
    if zone is not None:
        moment = moment.astimezone(_zone(frame, frame.text(zone)))
    pattern = frame.text(form)
    if len(pattern) > 200:
        raise Fault("a date format is longer than 200 characters")
    frame.spend(30 + 20 * pattern.count("%"))
    made = _DIRECTIVE.sub(lambda found: _part(moment, found[1], found[2]), str(pattern))
    return frame.hold(Markup(made) if isinstance(pattern, Markup) else made)  # noqa: S704 (letters of the format)


def _part(moment: datetime, flag: str, sign: str) -> str:
    if sign not in _KNOWN or not sign:
        raise Fault(f"“%{flag}{sign}” is not part of a date format")
    if sign == "%":
        return "%"
    if sign == "s":
        return str(int(moment.timestamp()))
    try:
        text = moment.strftime("%" + sign)
    except (ValueError, OverflowError):
        raise Fault("this date cannot be written") from None
    return (text.lstrip("0 ") or "0") if flag else text


def _moment(frame: Frame, value: Any) -> datetime | None:
    if isinstance(value, str) and value in ("now", "today"):
        return frame.now
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, int):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str) and len(value) <= 40:
            if value.isdecimal():
                return datetime.fromtimestamp(int(value), UTC)
            return datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        return None
    return None


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(frame: Frame, name: str) -> ZoneInfo:
    frame.spend(500)
    if name not in _zones():
        raise Fault(f"there is no time zone “{name[:60]}”")
    return ZoneInfo(str(name))


DATES: dict[str, Filter] = {"date": Filter(_date, 0, 2)}
