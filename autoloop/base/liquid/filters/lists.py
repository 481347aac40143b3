"""Filters on lists. A list is weighed before it is gone through."""

from __future__ import annotations

from typing import Any

import orjson
from markupsafe import Markup

from autoloop.base.liquid.compare import equal, truthy
from autoloop.base.liquid.faults import Fault
from autoloop.base.liquid.filters.contract import Filter, integer, number, whole
from autoloop.base.liquid.frame import Frame, is_empty, plain
from autoloop.base.liquid.profiles import MAX_LIST

__all__ = ["LISTS"]


def _listed(frame: Frame, value: Any) -> list[Any]:
    """Anything as a list, as Liquid's list filters take it: flat, and weighed."""
    if isinstance(value, range):
        frame.entries(value)
        frame.hold_list(len(value), 44)
        return list(value)
    if not isinstance(value, list):
        return [] if value is None else [value]
    frame.weigh(value)
    frame.hold_list(len(value))
    if any(isinstance(part, list) for part in value):
        flat: list[Any] = []
        _flatten(value, flat, 5)
        frame.entries(flat)
        return flat
    return value


def _flatten(value: list[Any], into: list[Any], depth: int) -> None:
    for part in value:
        if depth and isinstance(part, list):
            _flatten(part, into, depth - 1)
        else:
            into.append(part)
    if len(into) > MAX_LIST:
        raise Fault(f"a list is longer than {MAX_LIST:,} entries")


def _of(part: Any, key: Any) -> Any:
    return plain(part[key]) if isinstance(part, dict) and isinstance(key, str) and key in part else None


def _keyed(frame: Frame, value: Any, key: Any) -> list[tuple[Any, Any]]:
    entries = _listed(frame, value)
    frame.spend(len(entries))
    name = None if key is None else frame.text(key)
    return [(part if name is None else _of(part, name), part) for part in entries]


def _concat(frame: Frame, value: Any, other: Any) -> list[Any]:
    left, right = _listed(frame, value), _listed(frame, other)
    if len(left) + len(right) > MAX_LIST:
        raise Fault(f"a list is longer than {MAX_LIST:,} entries")
    return left + right


def _compact(frame: Frame, value: Any, key: Any = None) -> list[Any]:
    return [part for sign, part in _keyed(frame, value, key) if sign is not None]


def _join(frame: Frame, value: Any, between: Any = " ") -> str:
    entries = _listed(frame, value)
    glue = frame.text(between)
    parts = [part if isinstance(part, str) else frame.text(plain(part)) for part in entries]
    frame.spend(len(parts))
    markup = isinstance(glue, Markup)
    frame.room(sum(map(len, parts)) * (5 if markup else 1) + len(glue) * len(parts))
    return frame.hold(glue.join(parts))


def _map(frame: Frame, value: Any, key: Any) -> list[Any]:
    return [sign for sign, _ in _keyed(frame, value, key)]


def _order(value: Any) -> tuple[int, Any]:
    """Numbers, then texts, then the rest as it stood; what is missing comes last."""
    if value is None:
        return 3, 0
    if isinstance(value, (int, float)):
        return 0, value
    if isinstance(value, str):
        return 1, value
    return 2, 0


def _sort(frame: Frame, value: Any, key: Any = None) -> list[Any]:
    pairs = _keyed(frame, value, key)
    frame.spend(len(pairs) * 3)
    return [part for _, part in sorted(pairs, key=lambda pair: _order(pair[0]))]


def _sort_natural(frame: Frame, value: Any, key: Any = None) -> list[Any]:
    pairs = _keyed(frame, value, key)
    frame.spend(len(pairs) * 4)

    def order(pair: tuple[Any, Any]) -> tuple[int, Any]:
        return (3, "") if pair[0] is None else (1, frame.text(pair[0]).lower())

    return [part for _, part in sorted(pairs, key=order)]


def _split(frame: Frame, value: Any, between: Any) -> list[str]:
    text, cut = str(frame.text(value)), str(frame.text(between))
    if not text or text == cut:
        return []
    frame.spend(len(text) * (6 if len(text) >= 30_000 else min(len(cut) + 1, 100)) >> 8)
    if not cut:
        frame.entries(text)
        frame.hold_list(len(text), 60)
        return list(text)
    parts = text.split(None if cut == " " else cut, MAX_LIST)
    frame.entries(parts)
    frame.spend(len(parts))
    # An entry is an object of its own: about 60 bytes beside its letters.
    frame.hold_list(len(parts), 60)
    frame.hold(text)
    return parts


def _slice(frame: Frame, value: Any, start: Any, length: Any = 1) -> Any:
    source = value if isinstance(value, (list, range)) else frame.text(value)
    begin, size = whole(start, 0), max(whole(length, 1), 0)
    if begin < 0:
        begin += len(source)
        if begin < 0:
            return [] if isinstance(value, (list, range)) else ""
    frame.spend(min(size, len(source)) >> 2 if not isinstance(source, str) else 1)
    part = source[begin : begin + size]
    if isinstance(part, str):
        return frame.hold(part)
    frame.entries(part)
    frame.hold_list(len(part), 44)
    return list(part)


def _size(frame: Frame, value: Any) -> int:
    del frame
    return len(value) if isinstance(value, (str, list, dict, range)) else 0


def _sum(frame: Frame, value: Any, key: Any = None) -> int | float:
    total: int | float = 0
    for sign, _ in _keyed(frame, value, key):
        total += number(sign)
    return integer(frame, total)


def _uniq(frame: Frame, value: Any, key: Any = None) -> list[Any]:
    pairs = _keyed(frame, value, key)
    frame.spend(len(pairs) * 2)
    seen: set[bytes] = set()
    kept = []
    for sign, part in pairs:
        mark = _mark(sign)
        if mark not in seen:
            seen.add(mark)
            kept.append(part)
    return kept


def _mark(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=plain, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONEncodeError, UnicodeError):
        raise Fault("“uniq” cannot compare these values") from None


def _where(frame: Frame, value: Any, key: Any, wanted: Any = None) -> list[Any]:
    pairs = _keyed(frame, value, key)
    frame.spend(len(pairs))
    if wanted is None:
        return [part for sign, part in pairs if truthy(sign)]
    return [part for sign, part in pairs if equal(frame, sign, wanted)]


def _first(frame: Frame, value: Any) -> Any:
    del frame
    return plain(value[0]) if isinstance(value, (list, range)) and value else None


def _last(frame: Frame, value: Any) -> Any:
    del frame
    return plain(value[-1]) if isinstance(value, (list, range)) and value else None


def _default(frame: Frame, value: Any, other: Any = "", *, allow_false: Any = False) -> Any:
    del frame
    if value is False and allow_false is True:
        return value
    return other if is_empty(value) else value


LISTS: dict[str, Filter] = {
    "compact": Filter(_compact, 0, 1),
    "concat": Filter(_concat, 1, 1),
    "default": Filter(_default, 0, 1, frozenset({"allow_false"})),
    "first": Filter(_first),
    "join": Filter(_join, 0, 1),
    "last": Filter(_last),
    "map": Filter(_map, 1, 1),
    "reverse": Filter(lambda frame, value: _listed(frame, value)[::-1]),
    "size": Filter(_size),
    "slice": Filter(_slice, 1, 2),
    "sort": Filter(_sort, 0, 1),
    "sort_natural": Filter(_sort_natural, 0, 1),
    "split": Filter(_split, 1, 1),
    "sum": Filter(_sum, 0, 1),
    "uniq": Filter(_uniq, 0, 1),
    "where": Filter(_where, 1, 2),
}
