"""CSS inlined once per version, with the Liquid of the mail untouched. Nothing is fetched."""

from __future__ import annotations

import re
from functools import lru_cache

from css_inline import CSSInliner

from autoloop.mail.templates.markup import pieces
from autoloop.mail.templates.shield import Shield

__all__ = ["inlined"]

# The worst selectors cost about 0.4 µs per rule and element.
MAX_WORK = 2_000_000
# Elements that every writer must end: were one moved, ended or dropped, this sequence would differ.
_ENDED = re.compile(
    r"<(/?)(div|span|a|table|center|b|strong|em|i|u|s|font|small|big|code|pre|blockquote|section|article|"
    r"header|footer|main|h[1-6]|ul|ol|dl|button|label)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=1)
def _inliner() -> CSSInliner:
    # The style elements stay: media queries, :hover and @font-face only work there.
    return CSSInliner(keep_style_tags=True, keep_link_tags=True, load_remote_stylesheets=False)


def inlined(html: str) -> str | None:
    """The document with the rules of its style elements written into style attributes.

    None if it must stay as it is: the parser would change its structure (a branch of Liquid that opens
    an element which another one ends), or the styles are too many. Without a style element it is
    returned as it is.
    """
    if "<style" not in html.lower():
        return html
    shield = Shield(html)
    marked, inside = _marked(shield)
    if marked is None:
        return None
    made = _inliner().inline(marked)
    if _sequence(shield, marked, inside) != _sequence(shield, made, inside):
        return None
    if _ENDED.findall(marked.lower()) != _ENDED.findall(made.lower()):
        return None
    return shield.restore_markup(made)


def _marked(shield: Shield) -> tuple[str | None, set[str]]:
    """The shielded source with Liquid between elements as comments, and the tags held in styles.

    A word between table rows would be moved out of the table; a comment stays where it is.
    """
    source, out, inside, rules, elements = shield.text, [], set(), 0, 0
    for kind, start, end, name in pieces(source):
        part = source[start:end]
        if kind == "open" and name in ("svg", "math"):
            return None, inside
        if kind == "text":
            part = shield.found.sub(lambda match: f"<!--{match[0]}-->", part)
        elif kind == "declaration" and not part.lower().startswith("<!doctype"):
            part = f"<!--{shield.hold(part)}-->"
        elif kind == "raw" and name == "style":
            numbers = shield.found.findall(part)
            if any(shield.held[int(number)].startswith("{%") for number in numbers):
                return None, inside
            inside.update(numbers)
            rules += part.count("{") + part.count(",")
        elements += kind == "open"
        out.append(part)
    return (None if rules * elements > MAX_WORK else "".join(out)), inside


def _sequence(shield: Shield, text: str, inside: set[str]) -> list[str]:
    """The Liquid tags in their order, without those that styles carry into attributes."""
    return [number for number in shield.found.findall(text) if number not in inside]
