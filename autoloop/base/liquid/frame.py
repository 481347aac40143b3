"""One rendering: its data, its variables, and what is left of its budget."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from sys import getsizeof
from typing import Any
from uuid import UUID

import orjson
from markupsafe import Markup, escape

from autoloop.base.liquid.faults import Fault
from autoloop.base.liquid.profiles import MAX_LIST, Profile

__all__ = ["BLANK", "EMPTY", "Frame", "is_empty", "plain"]

_PLAIN = frozenset({str, int, float, bool, type(None), dict, list, datetime, date, time})
_OVERHEAD = getsizeof("")


class _Marker:
    def __init__(self, name: str) -> None:
        self.name = name


EMPTY = _Marker("empty")
BLANK = _Marker("blank")


def plain(value: Any) -> Any:
    """A value as the dialect knows it. Nothing else gets in: no attribute of any object is ever read."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (UUID, Decimal)):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise Fault(f"a value of type {type(value).__name__} is not plain data")


def is_empty(value: Any) -> bool:
    """Nothing to show: nil, false, or an empty text or list."""
    return value is None or value is False or (isinstance(value, (str, list, dict)) and not value)


class Frame:
    """Counts steps and bytes down; whoever makes work asks first."""

    __slots__ = (
        "bytes",
        "counters",
        "cycles",
        "data",
        "fallbacks",
        "html",
        "locals",
        "loops",
        "missing",
        "now",
        "profile",
        "steps",
        "stops",
    )

    def __init__(
        self, profile: Profile, data: Mapping[str, Any], now: datetime | None, fallbacks: Mapping[str, str]
    ) -> None:
        self.profile = profile
        self.html = profile.escape == "html"
        self.data = data
        self.now = now
        self.fallbacks = fallbacks
        self.steps = profile.steps
        self.bytes = profile.total
        self.locals: dict[str, Any] = {}
        self.loops: list[dict[str, Any]] = []
        self.counters: dict[str, int] = {}
        self.cycles: dict[str, int] = {}
        self.stops: dict[str, int] = {}
        self.missing: dict[str, None] = {}

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise Fault("this does more work than a template may")

    def room(self, characters: int) -> None:
        """Ask before making a text of this length."""
        if characters > self.profile.value:
            raise Fault(f"this would make a text larger than {self.profile.value // 1024} kB")
        self.spend(characters >> 5)

    def hold(self, text: str) -> str:
        """Count a text that was made."""
        size = getsizeof(text) - _OVERHEAD
        if size > self.profile.value:
            raise Fault(f"this makes a text larger than {self.profile.value // 1024} kB")
        self.bytes -= size
        if self.bytes < 0:
            raise Fault(f"this makes more than {self.profile.total // 1024} kB of text")
        return text

    def hold_list(self, entries: int, each: int = 16) -> None:
        """Count a list that will be made, with the bytes of each entry that are new."""
        self.spend(entries >> 3)
        self.bytes -= entries * each
        if self.bytes < 0:
            raise Fault(f"this makes more than {self.profile.total // 1024} kB of text and lists")

    def emit(self, out: list[str], text: str) -> None:
        """Write finished text. Each piece costs its list entry too."""
        self.bytes -= getsizeof(text) + 8
        if self.bytes < 0:
            raise Fault(f"this writes more than {self.profile.total // 1024} kB")
        out.append(text)

    def look_up(self, name: str) -> Any:
        """A variable by its name, else None. The caller's data comes out plain."""
        if name in self.locals:
            return self.locals[name]
        if name in self.data:
            return plain(self.data[name])
        if self.now is not None and name in ("now", "today"):
            return self.now if name == "now" else self.now.date()
        return self.counters.get(name)

    def text(self, value: Any) -> str:
        """A value as text, as large as the profile allows and no larger."""
        if isinstance(value, str):
            self.room(len(value))
            return value
        if value is None or isinstance(value, _Marker):
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, float)):
            return str(value)
        if isinstance(value, (datetime, date, time)):
            return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
        if isinstance(value, range):
            return f"{value.start}..{value.stop - 1}"
        if isinstance(value, list):
            self.weigh(value)
            parts = [part if isinstance(part, str) else self.text(plain(part)) for part in value]
            return self.hold((Markup("") if self.html else "").join(parts))
        return self.json(value)

    def json(self, value: Any) -> str:
        self.weigh(value)
        try:
            return self.hold(
                orjson.dumps(list(value) if isinstance(value, range) else value, default=plain).decode()
            )
        except (orjson.JSONEncodeError, UnicodeError):
            raise Fault("this cannot be written as JSON") from None

    def weigh(self, value: Any) -> int:
        """The characters and entries in a value; stops counting where the profile's limit is.

        Depth and repetition are counted as written out, so a list that holds one long text many
        times weighs all of them.
        """
        weight, entries, open_ = 0, 0, [value]
        while open_:
            part = open_.pop()
            entries += 1
            if isinstance(part, str):
                weight += len(part)
            elif isinstance(part, dict):
                self.entries(part)
                weight += sum(len(key) for key in part if isinstance(key, str)) + 8 * len(part)
                open_.extend(part.values())
            elif isinstance(part, (list, tuple, range)):
                weight += 8 * len(part)
                self.entries(part)
                open_.extend(part)
            else:
                weight += 8
            if weight > self.profile.value:
                raise Fault(f"a value is larger than {self.profile.value // 1024} kB")
            if entries > 4 * MAX_LIST:
                raise Fault("a value has too many entries")
        self.spend(entries + (weight >> 5))
        return weight

    def entries(self, value: Any) -> None:
        """Ask before going through a list."""
        if len(value) > MAX_LIST:
            raise Fault(f"a list is longer than {MAX_LIST:,} entries")

    def escaped(self, value: Any) -> str:
        """A value as it is written into its place."""
        text = self.text(value)
        if not self.html or isinstance(text, Markup):
            return text
        if len(text) * 5 > self.profile.value:
            growth = 4 * sum(text.count(sign) for sign in "&<>\"'")
            self.room(len(text) + growth)
        return escape(text)

    def found_empty(self, path: str) -> Any:
        """A field that was to be shown has nothing in it: its fallback, and a note of it."""
        if path in self.fallbacks:
            return self.fallbacks[path]
        self.missing[path] = None
        return None
