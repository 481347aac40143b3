"""Markup in pieces: what is text, what is a tag; how deep it goes. One pass, whatever is given.

The libraries that compile MJML and inline CSS end the process when markup is nested some ten thousand
deep, so depth is measured here first, and rather too large than too small.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from autoloop.mail.templates.plaintext import tag_end

__all__ = ["MAX_DEPTH", "VOID", "CannotStyleError", "Piece", "depth_fault", "line_of", "pieces"]

MAX_DEPTH = 200
VOID = frozenset(
    {
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    }
)
_RAW = frozenset(
    {"style", "script", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "noscript", "plaintext"}
)
# Their end may be left out: a new one ends the one before.
_OPTIONAL = frozenset(
    {
        "html",
        "head",
        "body",
        "p",
        "li",
        "dt",
        "dd",
        "tr",
        "td",
        "th",
        "tbody",
        "thead",
        "tfoot",
        "colgroup",
        "option",
        "optgroup",
    }
)
_NAME = re.compile(r"/?([a-zA-Z][^\s/>]{0,60})")


class CannotStyleError(ValueError):
    """The source cannot be compiled; the text says why, and where."""


class Piece(NamedTuple):
    """`kind`: text, open, close, alone (`<x/>`), raw (inside style and the like), comment, declaration."""

    kind: str
    start: int
    end: int
    name: str = ""


def pieces(source: str) -> Iterator[Piece]:
    """All of a source, piece by piece, without gaps."""
    lower, at = source.lower(), 0
    while (start := source.find("<", at)) >= 0:
        name = _NAME.match(source, start + 1)
        if name is None and not source.startswith(("<!", "<?"), start):
            yield Piece("text", at, start + 1)
            at = start + 1
            continue
        if start > at:
            yield Piece("text", at, start)
        if name is None:
            comment = source.startswith("<!--", start)
            at = _behind(source, "-->" if comment else ">", start)
            yield Piece("comment" if comment else "declaration", start, at)
            continue
        at = min(tag_end(source, start) + 1, len(source))
        kind = "close" if source[start + 1] == "/" else "alone" if source[at - 2 : at] == "/>" else "open"
        label = name[1].lower()
        yield Piece(kind, start, at, label)
        if kind == "open" and label in _RAW:
            closing = lower.find(f"</{label}", at)
            end = closing if closing >= 0 else len(source)
            if end > at:
                yield Piece("raw", at, end, label)
            at = end
    if at < len(source):
        yield Piece("text", at, len(source))


def _behind(source: str, mark: str, start: int) -> int:
    found = source.find(mark, start)
    return found + len(mark) if found >= 0 else len(source)


def line_of(source: str, at: int) -> int:
    """The line of a place, from 1."""
    return source.count("\n", 0, at) + 1


def depth_fault(source: str, *, optional: frozenset[str] = _OPTIONAL) -> int | None:
    """The line where elements are more than MAX_DEPTH deep; None if they never are.

    An end tag that does not end the innermost element ends none: misnested markup counts as deeper.
    """
    open_: list[str] = []
    for kind, start, _, name in pieces(source):
        if kind == "open" and name not in VOID and name not in optional:
            open_.append(name)
            if len(open_) > MAX_DEPTH:
                return line_of(source, start)
        elif kind == "close" and open_ and open_[-1] == name:
            open_.pop()
    return None
