"""Cut a source into text, outputs and tags in one pass, refusing what would be slow to read.

The library's own lexer backtracks: `{{{{{{…` of 64 kB keeps it busy for half a minute. So does its
expression lexer with brackets and quotes that never close. Both see only what passed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from liquid.token import TOKEN_CONTENT, TOKEN_EXPRESSION, TOKEN_OUTPUT, TOKEN_TAG, Token

from autoloop.base.liquid.faults import Fault
from autoloop.base.liquid.profiles import Profile

__all__ = ["check_expression", "scan"]

MAX_EXPRESSION = 2_000
MAX_BRACKETS = 20
MAX_OPERATORS = 40
MAX_FILTERS = 20

_OPEN = re.compile(r"\{[{%]")
_ENDRAW = re.compile(r"\{%(-?)\s*endraw\s*(-?)%\}")
_COMMENT = re.compile(r"\{%-?\s*(endcomment|comment)\b")
_BLOCKS = frozenset({"if", "unless", "case", "for", "capture"})
_NAME = re.compile(r"#|\w+")
_MARKS = re.compile(r"[\"'\[(|,]|\b(?:and|or)\b")


def scan(source: str, profile: Profile) -> Iterator[Token]:
    """The library's tokens of a source. Linear in its length.

    :raises Fault: for what is not closed, too long or too much.
    """
    if len(source) > profile.source:
        raise Fault(f"this is longer than {profile.source:,} characters", 0)
    at, tags, expressions, strip = 0, 0, 0, False
    blocks: list[tuple[str, int]] = []
    while (found := _OPEN.search(source, at)) is not None:
        start = found.start()
        yield from _content(source, at, start, strip, source.startswith("-", start + 2))
        tags += 1
        if tags > profile.tags:
            raise Fault(f"there are more than {profile.tags:,} tags and outputs", start)
        is_output = source[start + 1] == "{"
        inner, inner_at, at, strip = _inside(source, start, "}}" if is_output else "%}")
        expressions += len(inner)
        if expressions > profile.expressions:
            raise Fault(f"there are more than {profile.expressions:,} characters inside braces", start)
        if is_output:
            check_expression(inner, inner_at)
            yield Token(TOKEN_OUTPUT, "{{", start, source)
            yield Token(TOKEN_EXPRESSION, inner, inner_at, source)
            continue
        named = _NAME.match(inner)
        if named is None:
            raise Fault("a tag needs a name", start)
        name = named.group()
        if name == "raw":
            end = _ENDRAW.search(source, at)
            if end is None:
                raise Fault("“raw” is not closed by “{% endraw %}”", start)
            yield from _content(source, at, end.start(), strip, bool(end[1]))
            at, strip = end.end(), bool(end[2])
        elif name == "comment":
            at, strip = _skip_comment(source, start, at)
        elif name != "#":
            _nest(blocks, name, start)
            yield Token(TOKEN_TAG, name, inner_at, source)
            rest = inner[named.end() :].lstrip()
            if rest:
                check_expression(rest, start)
                yield Token(TOKEN_EXPRESSION, rest, inner_at + len(inner) - len(rest), source)
    yield from _content(source, at, len(source), strip, False)
    if blocks:
        name, start = blocks[-1]
        raise Fault(f"“{name}” is not closed by “{{% end{name} %}}”", start)


def _nest(blocks: list[tuple[str, int]], name: str, start: int) -> None:
    """Follow what is open, because the library cannot tell where the open one began."""
    if name in _BLOCKS:
        blocks.append((name, start))
    elif name.startswith("end"):
        if not blocks:
            raise Fault(f"“{name}” closes nothing", start)
        if name != f"end{blocks[-1][0]}":
            raise Fault(f"“{name}” stands where “end{blocks[-1][0]}” is due", start)
        blocks.pop()


def _content(source: str, start: int, end: int, lstrip: bool, rstrip: bool) -> Iterator[Token]:
    text = source[start:end]
    text = text.lstrip() if lstrip else text
    text = text.rstrip() if rstrip else text
    if text:
        yield Token(TOKEN_CONTENT, text, start, source)


def _inside(source: str, start: int, close: str) -> tuple[str, int, int, bool]:
    """What stands between the braces at `start`: its text, where that begins, where to go on, whether to strip."""
    end = source.find(close, start + 2, start + 2 + MAX_EXPRESSION)
    if end < 0:
        raise Fault(
            f"“{source[start : start + 2]}” is not closed by “{close}” within {MAX_EXPRESSION:,} characters",
            start,
        )
    text = source[start + 2 : end]
    begin = start + 2
    if text.startswith("-"):
        text, begin = text[1:], begin + 1
    strip = text.endswith("-")
    text = text.removesuffix("-").rstrip()
    bare = text.lstrip()
    return bare, begin + len(text) - len(bare), end + 2, strip


def _skip_comment(source: str, start: int, at: int) -> tuple[int, bool]:
    depth = 1
    for tag in _COMMENT.finditer(source, at):
        depth += 1 if tag[1] == "comment" else -1
        if not depth:
            end = source.find("%}", tag.end())
            if end < 0:
                break
            return end + 2, source[end - 1] == "-"
    raise Fault("“comment” is not closed by “{% endcomment %}”", start)


def check_expression(text: str, at: int) -> None:
    """Refuse an expression that the library's lexer or parser would read slowly or too deeply."""
    if len(text) > MAX_EXPRESSION:
        raise Fault(f"an expression is longer than {MAX_EXPRESSION:,} characters", at)
    position = brackets = operators = filters = 0
    while (mark := _MARKS.search(text, position)) is not None:
        found = mark.group()
        position = mark.end()
        if found in "\"'":
            position = text.find(found, position) + 1
            if not position:
                raise Fault(f"a quote ({found}) is opened but not closed", at)
        elif found in "[(":
            brackets += 1
        elif found == "|":
            filters += 1
        else:
            operators += 1
        if brackets > MAX_BRACKETS or operators > MAX_OPERATORS or filters > MAX_FILTERS:
            raise Fault("this expression has too many parts; split it with “assign”", at)
