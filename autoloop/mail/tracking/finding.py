"""The links of a template version: where they stand in its compiled HTML. Found once, when it is published.

Only the addresses of `a`, `area` and VML shapes are links, also inside conditional comments, which Outlook
reads. Left alone: what is no http(s) address, what `data-no-track` marks, and what a `capture` holds, for
filters may change it on its way.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html.entities import html5
from typing import Any, Protocol

from autoloop.base.liquid import HTML, TemplateInvalid, parse
from autoloop.mail.templates.markup import pieces

__all__ = [
    "MOST_LINKS",
    "Span",
    "end_of_body",
    "find_links",
    "is_dynamic",
    "links_of",
    "target_of",
    "unescaped",
]

Span = tuple[int, int]
"""Where an address begins and ends in the compiled HTML; quotes are not part of it."""

MOST_LINKS = 1_000
MOST_CHARACTERS = 8_000  # of an address: what a header holds

_OPEN = re.compile(r"\{[{%]")
_TAG = re.compile(r"\{%-?\s*(capture|comment|endcapture|endcomment|raw)\b")
_ENDRAW = re.compile(r"\{%-?\s*endraw\s*-?%\}")
_BREAKS = re.compile(r"\{%-?\s*(?:break|continue)\b")
_ATTRIBUTE = re.compile(
    r"""(?<![^\s"'/\x1a])([^\s"'<>/=\x1a]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>`=\x1a]+)(?=[\s>]|\Z))"""
)
_NOT = re.compile(r"""(?<![^\s"'/\x1a])data-no-track(?![\w-])""", re.IGNORECASE)
_WEB = re.compile(r"https?://[^/\s?#]", re.IGNORECASE)
_OTHER = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*:|[#/?.]", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[a-zA-Z][a-zA-Z0-9]*;?)")
_IGNORED = re.compile(r"[\t\r\n]")
_CONDITION = re.compile(r"<!--\[if\b[^\]]*\]>", re.IGNORECASE)
_STANDS_IN = "\x1a"  # for each sign of a Liquid tag, so that places stay what they are
_AROUND = "".join(map(chr, range(33)))  # what browsers strip from the ends of an address (WHATWG URL §4.4)


class Version(Protocol):
    """What is read of a template version."""

    compiled: dict[str, Any]


def links_of(version: Version) -> list[Span]:
    """The links of a version: as kept when it was published, else found now. Link n is the n-th, from 1."""
    kept = version.compiled.get("links")
    return find_links(version.compiled["html"]) if kept is None else [(start, end) for start, end in kept]


def find_links(source: str) -> list[Span]:
    """The links of an HTML template, in their order; at most MOST_LINKS."""
    found: list[Span] = []
    for start, end in _addresses(_masked(source)):
        if len(found) == MOST_LINKS:
            break
        if _may_be_tracked(source[start:end]):
            found.append((start, end))
    return found


def end_of_body(source: str) -> int:
    """Where the last thing of the body of an HTML template goes."""
    text = _masked(source)
    ends = [start for kind, start, _, name in pieces(text) if kind == "close" and name == "body"]
    return ends[-1] if ends else len(source)


def is_dynamic(address: str) -> bool:
    """Whether an address is only known once it is rendered for a person."""
    return "{{" in address or "{%" in address


def target_of(address: str) -> str | None:
    """Where an address in HTML leads, as browsers read it; None if that is no place of the web."""
    target = _IGNORED.sub("", unescaped(address).strip(_AROUND))
    return target if _WEB.match(target) and len(target) <= MOST_CHARACTERS else None


def unescaped(value: str) -> str:
    """The text of an attribute's value. Other than in text, `&copy=1` is no sign there (HTML §13.2.5.73)."""
    return _REFERENCE.sub(_character, value) if "&" in value else value


def _character(reference: re.Match[str]) -> str:
    whole, name = reference[0], reference[0][1:]
    if name.startswith("#"):
        return html.unescape(whole)
    known = name in html5 and (
        name.endswith(";") or reference.string[reference.end() : reference.end() + 1] != "="
    )
    return html5[name] if known else whole


def _may_be_tracked(address: str) -> bool:
    if not is_dynamic(address):
        return target_of(address) is not None
    beginning = unescaped(address[: address.index("{")]).strip(_AROUND)
    if _OTHER.match(beginning) or _BREAKS.search(address):
        return False
    try:
        parse(address, HTML)  # a tag that is opened in it must be closed in it
    except TemplateInvalid:
        return False
    return True


def _masked(source: str) -> str:
    """The source with its Liquid out of sight, and all that stands in comments and captures of it."""
    out, at, depth = [], 0, 0
    for start, end, raw_end in _tags(source):
        between = source[at:start]
        out.append(_STANDS_IN * len(between) if depth else between)
        out.append(_STANDS_IN * (end - start))
        at = end
        if raw_end is not None:
            out.append(_STANDS_IN * (raw_end - at) if depth else source[at:raw_end])
            at = raw_end
        elif (tag := _TAG.match(source, start)) is not None:
            depth = max(0, depth + (-1 if tag[1].startswith("end") else 1))
    out.append(source[at:])
    return "".join(out)


def _tags(source: str) -> Iterator[tuple[int, int, int | None]]:
    """Begin and end of each tag and output; of a `raw`, also where its text ends. As `base.liquid` reads them."""
    at = 0
    while (found := _OPEN.search(source, at)) is not None:
        start = found.start()
        close = source.find("}}" if source[start + 1] == "{" else "%}", start + 2, start + 2_010)
        if close < 0:
            return  # Liquid refuses such a source
        at, raw_end = close + 2, None
        tag = _TAG.match(source, start)
        if tag is not None and tag[1] == "raw":
            ended = _ENDRAW.search(source, at)
            if ended is None:
                return
            raw_end = ended.start()
        yield start, at, raw_end
        at = at if raw_end is None else raw_end


def _addresses(text: str, start: int = 0) -> Iterator[Span]:
    """The places of all addresses of links in a text whose Liquid is masked."""
    for kind, first, last, name in pieces(text):
        if kind == "comment":
            if (begun := _CONDITION.match(text, first)) is not None:
                inner = text[begun.end() : last]
                yield from _addresses(inner.replace("<!--", "<!__"), start + begun.end())
        elif kind in ("open", "alone") and (name in ("a", "area") or name.startswith("v:")):
            tag = text[first + 1 + len(name) : last]
            if not _NOT.search(tag):
                yield from _of_tag(tag, start + first + 1 + len(name))


def _of_tag(tag: str, start: int) -> Iterator[Span]:
    for attribute in _ATTRIBUTE.finditer(tag):
        if attribute[1].lower() == "href":
            group = next(n for n in (2, 3, 4) if attribute[n] is not None)
            yield start + attribute.start(group), start + attribute.end(group)
