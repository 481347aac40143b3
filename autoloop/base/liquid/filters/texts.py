"""Filters on text. Each asks for room before it makes something longer than it was given."""

from __future__ import annotations

import base64
import binascii
import html
import re
import urllib.parse
from collections.abc import Callable
from typing import Any

from markupsafe import Markup, escape

from autoloop.base.liquid.faults import Fault
from autoloop.base.liquid.filters.contract import Filter, whole
from autoloop.base.liquid.frame import Frame

__all__ = ["TEXTS"]

_NEWLINE = re.compile(r"\r?\n")
_SPACE = re.compile(r"\s+")


def _mapped(change: Callable[[str], str], growth: int = 1, weight: int = 1) -> Filter:
    """A filter that changes text; it becomes at most `growth` times as long and costs `weight` times the usual."""

    def work(frame: Frame, value: Any) -> str:
        text = frame.text(value)
        frame.room(len(text) * growth)
        frame.spend(len(text) * (weight - 1) >> 5)
        return frame.hold(change(text))

    return Filter(work)


def _append(frame: Frame, value: Any, other: Any) -> str:
    text, tail = frame.text(value), frame.text(other)
    frame.room(len(text) + len(tail) * (5 if isinstance(text, Markup) else 1))
    return frame.hold(text + tail)


def _prepend(frame: Frame, value: Any, other: Any) -> str:
    return _append(frame, other, value)


def _replacer(how: str) -> Callable[..., str]:
    def work(frame: Frame, value: Any, old: Any, new: Any = "") -> str:
        # Plain text in, plain text out: what was markup is escaped again rather than cut open.
        text, seek, put = str(frame.text(value)), str(frame.text(old)), str(frame.text(new))
        frame.spend(len(text) * (6 if len(text) >= 30_000 else min(len(seek), 100)) >> 8)
        if how == "all":
            times = text.count(seek)
            frame.spend(times)
            frame.room(len(text) + times * max(len(put) - len(seek), 0))
            return frame.hold(text.replace(seek, put))
        frame.room(len(text) + len(put))
        if how == "first":
            return frame.hold(text.replace(seek, put, 1))
        if not seek:
            return frame.hold(text + put)
        before, found, after = text.rpartition(seek)
        return frame.hold(before + put + after) if found else text

    return work


def _remover(how: str) -> Filter:
    replace = _replacer(how)
    return Filter(
        lambda frame, value, old: replace(frame, value, old, "") if frame.text(old) else value, 1, 1
    )


def _escape(frame: Frame, value: Any) -> str:
    text = str(frame.text(value))
    growth = 5 * sum(text.count(sign) for sign in "&<>\"'")
    frame.room(len(text) + growth)
    return frame.hold(escape(text) if frame.html else html.escape(text))


def _escape_once(frame: Frame, value: Any) -> str:
    text = str(frame.text(value))
    frame.spend(len(text) >> 3)
    return _escape(frame, html.unescape(text))


def _breaks(frame: Frame, value: Any) -> str:
    text = frame.text(value)
    lines = text.count("\n")
    frame.spend(lines)
    frame.room(len(text) + lines * 6)
    if frame.html:
        return frame.hold(Markup(_NEWLINE.sub("<br />\n", frame.escaped(text))))  # noqa: S704
    return frame.hold(_NEWLINE.sub("<br />\n", text))


def _strip_newlines(frame: Frame, value: Any) -> str:
    text = frame.text(value)
    frame.spend(text.count("\n"))
    changed = _NEWLINE.sub("", text)
    return frame.hold(Markup(changed) if isinstance(text, Markup) else changed)  # noqa: S704


def _strip_html(frame: Frame, value: Any) -> str:
    text = str(frame.text(value))
    frame.spend(text.count("<") * 4 + (len(text) >> 5))
    return frame.hold(strip_tags(text))


def strip_tags(text: str) -> str:
    """Text without tags, comments, and the insides of script and style. One pass, no backtracking."""
    kept: list[str] = []
    lower = text.lower() if "<" in text else text
    at = 0
    while (start := text.find("<", at)) >= 0:
        kept.append(text[at:start])
        closing = ">"
        for opening, end in (("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>")):
            if lower.startswith(opening, start):
                closing = end
        end_at = lower.find(closing, start)
        if end_at < 0:
            return "".join(kept)
        at = end_at + len(closing)
    kept.append(text[at:])
    return "".join(kept)


def _squish(text: str) -> str:
    return _SPACE.sub(" ", text.strip())


def _truncate(frame: Frame, value: Any, length: Any = 50, end: Any = "...") -> str:
    text, tail = frame.text(value), frame.text(end)
    most = max(whole(length, 50), 0)
    if len(text) <= most:
        return text
    return frame.hold(text[: max(most - len(tail), 0)] + tail)


def _truncate_words(frame: Frame, value: Any, count: Any = 15, end: Any = "...") -> str:
    text, tail = frame.text(value), frame.text(end)
    most = min(max(whole(count, 15), 1), 10_000)
    frame.spend(min(most, len(text)))
    words = text.split(None, most)
    if len(words) < most:
        return frame.hold(" ".join(words))
    return frame.hold(" ".join(words[:most]) + tail)


def _url_encode(frame: Frame, value: Any) -> str:
    text = str(frame.text(value))
    size = len(text.encode("utf-8", "replace"))
    frame.room(size if text.isalnum() and text.isascii() else size * 3)
    frame.spend(size >> 1)
    made = urllib.parse.quote_plus(text, errors="replace")
    return frame.hold(Markup(made) if frame.html else made)  # noqa: S704 (nothing but %, letters, digits, -._~+)


def _url_decode(frame: Frame, value: Any) -> str:
    text = str(frame.text(value))
    frame.spend(text.count("%") * 2)
    return frame.hold(urllib.parse.unquote_plus(text))


def _base64(frame: Frame, value: Any) -> str:
    text = frame.text(value)
    frame.room(len(text) * 2)
    return frame.hold(base64.b64encode(text.encode("utf-8", "replace")).decode())


def _unbase64(frame: Frame, value: Any) -> str:
    try:
        return frame.hold(base64.b64decode(frame.text(value)).decode("utf-8", "replace"))
    except (binascii.Error, ValueError):
        raise Fault("“base64_decode” needs text in base64") from None


def _one(work: Callable[..., Any], least: int = 1, most: int = 1) -> Filter:
    return Filter(work, least, most)


TEXTS: dict[str, Filter] = {
    "append": _one(_append),
    "base64_decode": Filter(_unbase64),
    "base64_encode": Filter(_base64),
    "capitalize": _mapped(lambda text: text.capitalize(), growth=3, weight=2),
    "downcase": _mapped(lambda text: text.lower(), growth=3, weight=2),
    "escape": Filter(_escape),
    "escape_once": Filter(_escape_once),
    "json": Filter(lambda frame, value: frame.json(value)),
    "lstrip": _mapped(lambda text: text.lstrip()),
    "newline_to_br": Filter(_breaks),
    "prepend": _one(_prepend),
    "remove": _remover("all"),
    "remove_first": _remover("first"),
    "remove_last": _remover("last"),
    "replace": _one(_replacer("all"), 1, 2),
    "replace_first": _one(_replacer("first"), 1, 2),
    "replace_last": _one(_replacer("last"), 2, 2),
    "rstrip": _mapped(lambda text: text.rstrip()),
    "squish": _mapped(_squish, weight=16),
    "strip": _mapped(lambda text: text.strip()),
    "strip_html": Filter(_strip_html),
    "strip_newlines": Filter(_strip_newlines),
    "truncate": _one(_truncate, 0, 2),
    "truncatewords": _one(_truncate_words, 0, 2),
    "upcase": _mapped(lambda text: text.upper(), growth=3, weight=2),
    "url_decode": Filter(_url_decode),
    "url_encode": Filter(_url_encode),
}
