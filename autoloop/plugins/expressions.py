"""Expressions: settings that are worked out for each run, written between braces.

A text that holds `{{` or `{%` is an expression; every other value stays itself. What is visible:
contact, business, event, run, variables (or vars), outputs (or steps) and now. A single `{{ x }}` keeps
the type of x (a moment becomes its ISO text); anything around it makes a text. The dialect itself is
found through the entry point `liquid` of the group `autoloop.expressions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import cache
from importlib.metadata import entry_points
from math import isfinite
from typing import Any, Literal, Protocol

import colander

from autoloop.plugins.facts import Needs

__all__ = [
    "As",
    "BadExpression",
    "Expression",
    "ExpressionError",
    "ExpressionType",
    "Program",
    "compile_expressions",
    "convert",
    "evaluate",
    "expressions_in",
    "needs_of",
]

As = Literal["text", "number", "boolean", "date", "moment", "list"]
NOUNS: dict[str, str] = {
    "text": "a text",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date like 2026-12-31",
    "moment": "a moment like 2026-12-31T09:00:00Z",
    "list": "a list",
}
LONGEST = 65_536
DEEPEST = 20
MOST = 1_000
TRUE, FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0", ""})


class BadExpression(ValueError):
    """An expression that cannot be read; the message says where and why."""


class ExpressionError(ValueError):
    """An expression gave nothing usable for this contact. A step that lets it through fails with this sentence."""


class Program(Protocol):
    """An expression as the dialect compiled it."""

    @property
    def paths(self) -> frozenset[str]:
        """The places of the data it reads: `contact.fields.plan`."""

    def __call__(self, known: Mapping[str, Any], now: datetime) -> Any:
        """Its plain value. Raises ExpressionError; the work is bounded."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression ready to be worked out, any number of times and from any thread."""

    source: str
    program: Program = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.source


@cache
def _dialect() -> Any:
    found = entry_points(group="autoloop.expressions", name="liquid")
    if not found:
        raise BadExpression("expressions are not installed here")
    return next(iter(found)).load()


def compile_expressions(value: Any, depth: int = 0) -> Any:
    """The same value with each expression in it compiled, in lists and objects too. Raises BadExpression."""
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise BadExpression(f"must be at most {LONGEST:,} characters")
        return Expression(value, _dialect()(value)) if "{{" in value or "{%" in value else value
    if value is None or isinstance(value, bool | int | float | Expression):
        return value
    if depth >= DEEPEST:
        raise BadExpression("is nested too deeply")
    if isinstance(value, list | tuple | Mapping) and len(value) > MOST:
        raise BadExpression(f"has more than {MOST:,} entries")
    if isinstance(value, list | tuple):
        return [compile_expressions(each, depth + 1) for each in value]
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise BadExpression("must have texts as keys")
        return {key: compile_expressions(each, depth + 1) for key, each in value.items()}
    raise BadExpression("must be a text, a number, true, false, null, a list or an object")


def expressions_in(value: Any) -> Iterator[Expression]:
    """Every expression in a compiled value."""
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from expressions_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from expressions_in(each)


def needs_of(*values: Any) -> Needs:
    """What a step must declare so that these values (settings in whole or part) can be worked out."""
    roots = {path.partition(".")[0] for each in expressions_in(values) for path in each.program.paths}
    return Needs(contact="contact" in roots, business="business" in roots)


def evaluate(value: Any, known: Mapping[str, Any], now: datetime, as_: As | None = None) -> Any:
    """The value for this data, its expressions worked out; of the wanted type if one is named.

    Raises ExpressionError.
    """
    if isinstance(value, Expression):
        found = value.program(known, now)
        if as_ is not None:
            return convert(found, as_, f"“{value.source[:80]}”")
        return found.isoformat() if isinstance(found, date | time) else found
    if isinstance(value, Mapping):
        found = {key: evaluate(each, known, now) for key, each in value.items()}
    elif isinstance(value, list | tuple):
        found = [evaluate(each, known, now) for each in value]
    else:
        found = value
    return found if as_ is None else convert(found, as_)


def convert(value: Any, as_: As, of: str = "") -> Any:
    """A plain value as text, number, boolean, date, moment (with a zone; UTC if it names none) or list.

    Nothing at all is an empty text and an empty list, and an error elsewhere. `of` names the value in the
    sentence of the ExpressionError.
    """
    try:
        found = _CONVERT[as_](value)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        shown = "nothing" if value in (None, "") else f"“{str(value)[:60]}”"
        gave = f"{of} gave {shown}" if of else f"{shown} was given"
        raise ExpressionError(f"{gave} where {NOUNS[as_]} is needed")
    return found


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | dict):
        return None
    return "" if value is None else str(value)


def _number(value: Any) -> int | float | None:
    if isinstance(value, str):
        text = value.strip()
        value = int(text) if text.lstrip("+-").isdigit() and len(text) < 20 else float(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return value


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool) or value is None:
        return bool(value)
    word = str(value).strip().casefold() if isinstance(value, str | int) else "?"
    return True if word in TRUE else False if word in FALSE else None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _date(value: Any) -> date | None:
    if isinstance(value, str):
        text = value.strip()
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text).date()
    return value.date() if isinstance(value, datetime) else value if isinstance(value, date) else None


def _list(value: Any) -> list[Any] | None:
    return [] if value is None or value == "" else value if isinstance(value, list) else None


_CONVERT: dict[str, Any] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "moment": _moment,
    "list": _list,
}
_SHAPES: dict[str | None, dict[str, Any]] = {
    None: {},
    "text": {"type": "string"},
    "number": {"type": ["number", "string"]},
    "boolean": {"type": ["boolean", "string"]},
    "date": {"type": "string"},
    "moment": {"type": "string"},
    "list": {"type": ["array", "string"]},
}


class ExpressionType(colander.SchemaType):  # type: ignore[misc]
    """A setting that may hold expressions: checked and compiled when settings are read.

    Give the context the value (`ctx.evaluate(config["x"])`) to get what it is for the run. With a type,
    values without an expression are checked and converted at once; name it again in `evaluate`.
    """

    def __init__(self, as_: As | None = None) -> None:
        self.as_ = as_

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        try:
            read = compile_expressions(cstruct)
            if self.as_ is None or any(expressions_in(read)):
                return read
            return convert(read, self.as_)
        except BadExpression as error:
            raise colander.Invalid(node, str(error)) from None
        except ExpressionError:
            raise colander.Invalid(node, f"must be {NOUNS[str(self.as_)]}, or an expression") from None

    def serialize(self, node: Any, appstruct: Any) -> Any:
        return appstruct.source if isinstance(appstruct, Expression) else appstruct

    def cstruct_children(self, node: Any, cstruct: Any) -> list[Any]:
        return []

    def shape(self) -> dict[str, Any]:
        """Its JSON Schema."""
        return {**_SHAPES[self.as_], "x-ui": {"widget": "expression"}}
