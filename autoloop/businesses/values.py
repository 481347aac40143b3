"""Values of fields: what people write, turned into what is kept. BadValue says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, lru_cache
from math import isfinite
from typing import Any
from zoneinfo import available_timezones

__all__ = [
    "LONGEST",
    "BadValue",
    "FieldType",
    "clean_text",
    "clean_words",
    "parse_consent",
    "parse_timezone",
    "split_name",
]

LONGEST = 10_000
TRUE = frozenset({"true", "yes", "y", "1", "on", "ja", "oui", "si", "sí", "sim", "tak", "x", "✓"})
FALSE = frozenset({"false", "no", "n", "0", "off", "nein", "non", "nee", "nao", "não", "nie", "-"})
GRANTED = TRUE | {"granted", "subscribed", "opted in", "opt in", "opt-in", "opted-in", "confirmed", "active"}
DENIED = FALSE | {"denied", "unsubscribed", "opted out", "opt out", "opt-out", "opted-out", "withdrawn"}
EUROPEAN_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})\Z")
SLASH_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})\Z")


class BadValue(ValueError):
    """A value that a field cannot hold; the message is for people."""


def clean_text(value: str, name: str, longest: int) -> str:
    """Text without white space around it. BadValue if it is too long or holds NUL."""
    value = value.strip()
    if len(value) > longest:
        raise BadValue(f"{name} has {len(value):,} characters; {longest:,} are possible")
    if "\0" in value:
        raise BadValue(f"{name} holds a NUL character")
    return value


def clean_words(values: Iterable[str], name: str, most: int = 100) -> list[str]:
    """Names of tags or topics: each once, sorted, white space tidied."""
    words = sorted({" ".join(clean_text(value, name, 100).split()) for value in values} - {""})
    if len(words) > most:
        raise BadValue(f"{name}: {len(words)} are more than the {most} possible")
    return words


def parse_consent(value: str) -> str | None:
    """granted, denied, or None where nothing is said."""
    word = " ".join(value.casefold().split())
    if word in GRANTED:
        return "granted"
    if word in DENIED:
        return "denied"
    if word in ("", "unknown", "n/a", "none", "?"):
        return None
    raise BadValue(f"“{value[:40]}” says neither yes nor no to marketing mail")


@cache
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


@lru_cache(4096)
def parse_timezone(value: str) -> str:
    """The zone's name as IANA writes it."""
    zone = _zones().get(value.strip().replace(" ", "_").casefold())
    if zone is None:
        raise BadValue(f"“{value[:40]}” is no time zone; they are like Europe/Berlin")
    return zone


def split_name(value: str) -> tuple[str, str]:
    """First and last name of “Ada King Lovelace” or “Lovelace, Ada”."""
    last, comma, first = value.partition(",")
    if comma:
        return first.strip(), last.strip()
    first, _, last = value.strip().partition(" ")
    return first.strip(), last.strip()


@dataclass(frozen=True, slots=True)
class FieldType:
    """A custom field's kind, able to take values: `FieldType("choice", ("s", "m"))("M")` → "m"."""

    kind: str
    choices: tuple[str, ...] = field(default=())

    def __call__(self, value: Any) -> Any:
        """The value as kept: text, int or float, bool, ISO date; None for an empty one. Raises BadValue."""
        if value is None or value == "":
            return None
        return _PARSERS[self.kind](value, self.choices)


def _text(value: Any, _choices: tuple[str, ...]) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadValue("must be text")
    return clean_text(str(value), "the text", LONGEST)


def _number(value: Any, _choices: tuple[str, ...]) -> int | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadValue("must be a number")
    if isinstance(value, str):
        value = _read_number(value)
    if isinstance(value, float):
        if not isfinite(value):
            raise BadValue("must be a finite number")
        if value.is_integer() and abs(value) < 1e15:
            value = int(value)
    if isinstance(value, int) and abs(value) >= 10**15:
        raise BadValue("has more than 15 digits")
    return value


def _read_number(text: str) -> int | float:
    digits = re.sub(r"[\s\u00a0'’_]", "", text)
    if re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?", digits) and digits.count(",") + digits.count(".") > 1:
        digits = digits.replace(",", "")
    elif re.fullmatch(r"[-+]?\d{1,3}(\.\d{3})+(,\d+)?", digits) and digits.count(",") + digits.count(".") > 1:
        digits = digits.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"[-+]?\d+,\d+", digits):
        digits = digits.replace(",", ".")
    if not re.fullmatch(r"[-+]?(\d{1,300}(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", digits):
        raise BadValue(f"“{text[:40]}” is no number")
    return int(digits) if re.fullmatch(r"[-+]?\d{1,18}", digits) else float(digits)


def _boolean(value: Any, _choices: tuple[str, ...]) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold() if isinstance(value, str | int) else ""
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise BadValue(f"“{str(value)[:40]}” is neither yes nor no")


def _date(value: Any, _choices: tuple[str, ...]) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = value.strip() if isinstance(value, str) else ""
    try:
        if match := EUROPEAN_DATE.match(text):
            return date(int(match[3]), int(match[2]), int(match[1])).isoformat()
        if match := SLASH_DATE.match(text):
            first, second, year = int(match[1]), int(match[2]), int(match[3])
            if first <= 12 and second <= 12 and first != second:
                raise BadValue(f"“{text}” could be two dates; write it like 2026-12-31")
            return date(year, min(first, second), max(first, second)).isoformat()
        if text[10:11] not in ("", " ", "T"):
            raise ValueError(text)
        return date.fromisoformat(text[:10].replace("/", "-")).isoformat()
    except BadValue:
        raise
    except ValueError:
        raise BadValue(f"“{str(value)[:40]}” is no date; write it like 2026-12-31") from None


def _choice(value: Any, choices: tuple[str, ...]) -> str:
    text = str(value).strip().casefold()
    for choice in choices:
        if choice.casefold() == text:
            return choice
    raise BadValue(f"“{str(value)[:40]}” is none of {', '.join(choices[:10])}")


_PARSERS: dict[str, Callable[[Any, tuple[str, ...]], Any]] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "choice": _choice,
}
