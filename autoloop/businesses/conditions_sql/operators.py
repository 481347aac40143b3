"""Operators in SQL: each gives true or false, never null, and the answer that it gives in Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Float,
    Interval,
    Text,
    and_,
    any_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from autoloop.businesses.conditions_sql.paths import Value
from autoloop.plugins.conditions.folding import fold
from autoloop.plugins.conditions.values import moment, number

__all__ = ["TESTS", "changes_after", "moment_bound"]

Answer = ColumnElement[bool]
Test = Callable[[Value, Any, datetime], Answer]
INSTANT = timedelta(microseconds=1)
LATEST = datetime.max.replace(tzinfo=UTC)
EMPTY = ("null", '""', "[]", "{}")


def _text(value: Value) -> Any:
    """The text of a value, null if it is none."""
    if value.kind == "text":
        return value.sql
    if value.kind == "moment":
        return func.autoloop_iso(value.sql)
    if value.kind == "json":
        held = value.sql.op("#>>", return_type=Text())(literal([], ARRAY(Text)))
        return case((func.jsonb_typeof(value.sql) == "string", held))
    return None


def _moment(value: Value) -> Any:
    if value.kind == "moment":
        return value.sql
    text = _text(value)
    return None if text is None else func.autoloop_moment(text, type_=DateTime(timezone=True))


def moment_bound(at: datetime) -> Any:
    return literal(at, DateTime(timezone=True))


def _sure(answer: Any) -> Answer:
    return func.coalesce(answer, false())


def _same_text(value: Value, words: Sequence[str]) -> Answer:
    text = _text(value)
    if text is None or not words:
        return false()
    folded = func.autoloop_fold(text, type_=Text())
    if len(words) == 1:
        return _sure(folded == literal(fold(words[0]), Text))
    return _sure(folded == any_(literal([fold(word) for word in words], ARRAY(Text))))


def _same_any(value: Value, wanted: Sequence[Any]) -> Answer:
    """Is the value the same as one of those?"""
    found = [_same_text(value, [each for each in wanted if isinstance(each, str)])]
    if value.kind == "json":
        found += [
            _sure(value.sql == literal(word, JSONB))
            for word in (True, False)
            if any(each is word for each in wanted)
        ]
        numbers = [number(each) for each in wanted]
        held = [each for each in numbers if each is not None]
        if held:
            found.append(
                _sure(func.autoloop_number(value.sql, type_=Float()) == any_(literal(held, ARRAY(Float))))
            )
    return or_(false(), *found)


def _is(value: Value, wanted: Any, _now: datetime) -> Answer:
    return _same_any(value, [wanted])


def _in(value: Value, wanted: Any, _now: datetime) -> Answer:
    return _same_any(value, list(wanted))


def _missing(value: Value, _wanted: Any, _now: datetime) -> Answer:
    if value.kind == "text":
        return _sure(or_(value.sql.is_(None), value.sql == ""))
    if value.kind == "moment":
        return value.sql.is_(None)
    if value.kind == "words":
        return func.coalesce(func.cardinality(value.sql), 0) == 0
    if value.kind == "json":
        empty = cast(literal(list(EMPTY), ARRAY(Text)), ARRAY(JSONB))
        return or_(value.sql.is_(None), _sure(value.sql == any_(empty)))
    return true() if value.kind == "nothing" else false()


def _texts(test: Callable[[Any, str], Any]) -> Test:
    def run(value: Value, wanted: Any, _now: datetime) -> Answer:
        text = _text(value)
        return false() if text is None else _sure(test(func.autoloop_fold(text, type_=Text()), fold(wanted)))

    return run


def _numbers(test: Callable[[Any, Any], Any]) -> Test:
    def run(value: Value, wanted: Any, _now: datetime) -> Answer:
        if value.kind != "json":
            return false()
        return _sure(test(func.autoloop_number(value.sql, type_=Float()), literal(number(wanted), Float)))

    return run


def _moments(test: Callable[[Any, Any, datetime], Any]) -> Test:
    def run(value: Value, wanted: Any, now: datetime) -> Answer:
        at = _moment(value)
        return false() if at is None else _sure(test(at, wanted, now))

    return run


def _has(value: Value, wanted: Any, _now: datetime) -> Answer:
    if value.kind == "words":
        each = func.unnest(value.sql).column_valued("each")
        return exists(select(1).where(_same_any(Value("text", each), [wanted])))
    if value.kind == "json":
        listed = case((func.jsonb_typeof(value.sql) == "array", value.sql), else_=literal([], JSONB))
        each = func.jsonb_array_elements(listed, type_=JSONB()).column_valued("each")
        return exists(select(1).where(_same_any(Value("json", each), [wanted])))
    return false()


def _negated(test: Test) -> Test:
    return lambda value, wanted, now: not_(test(value, wanted, now))


_contains = _texts(lambda text, wanted: func.strpos(text, wanted) > 0)

TESTS: dict[str, Test] = {
    "is": _is,
    "is_not": _negated(_is),
    "exists": _negated(_missing),
    "missing": _missing,
    "in": _in,
    "not_in": _negated(_in),
    "contains": _contains,
    "not_contains": _negated(_contains),
    "starts_with": _texts(lambda text, wanted: func.left(text, len(wanted)) == wanted),
    "ends_with": _texts(lambda text, wanted: func.right(text, len(wanted)) == wanted),
    "gt": _numbers(lambda found, wanted: found > wanted),
    "gte": _numbers(lambda found, wanted: found >= wanted),
    "lt": _numbers(lambda found, wanted: found < wanted),
    "lte": _numbers(lambda found, wanted: found <= wanted),
    "has": _has,
    "has_not": _negated(_has),
    "before": _moments(lambda at, wanted, _now: at < moment_bound(moment(wanted))),
    "after": _moments(lambda at, wanted, _now: at > moment_bound(moment(wanted))),
    "within_days": _moments(
        lambda at, days, now: and_(at >= moment_bound(now - timedelta(days=days)), at <= moment_bound(now))
    ),
    "older_than_days": _moments(lambda at, days, now: at < moment_bound(now - timedelta(days=days))),
    "in_next_days": _moments(
        lambda at, days, now: and_(at >= moment_bound(now), at <= moment_bound(now + timedelta(days=days)))
    ),
}


def changes_after(op: str, value: Value, wanted: Any, now: datetime) -> list[Any]:
    """The moments after `now` at which the answer changes though nothing happens: SQL, null for none."""
    at = _moment(value) if op in ("within_days", "older_than_days", "in_next_days") else None
    if at is None:
        return []
    span = timedelta(days=wanted)
    turns = {
        "within_days": (timedelta(0), span + INSTANT),
        "older_than_days": (span + INSTANT,),
        "in_next_days": (-span, INSTANT),
    }[op]
    return [_turning(at, turn, now) for turn in turns]


def _turning(at: Any, turn: timedelta, now: datetime) -> Any:
    """The moment `turn` after a value, if it is still to come and Python can hold it."""
    held = moment_bound(LATEST - max(turn, timedelta(0)))
    return case((and_(at > moment_bound(now - turn), at <= held), at + literal(turn, Interval)))
