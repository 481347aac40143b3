"""Style sheets written into the elements: once per version, never per person. Nothing is fetched."""

from __future__ import annotations

import re

from css_inline import CSSInliner, InlineError

from autoloop.mail.templates.markup import CannotStyleError, pieces
from autoloop.mail.templates.shield import Shield

__all__ = ["inlined"]

# The worst selectors cost about 0.4 µs per rule and element.
MAX_WORK = 2_000_000
# Were an element moved, ended or dropped by the parser, this sequence would differ. (The second kind may
# lack its end.)
_STRUCTURE = re.compile(
    r"<(/?)(div|span|a|table|center|b|strong|em|i|u|s|font|small|big|code|pre|blockquote|section|article|"
    r"header|footer|main|h[1-6]|ul|ol|dl|button|label)\b|<(p|td|th|tr|li|img|br|hr)\b",
    re.IGNORECASE,
)


def inlined(html: str, css: str | None = None) -> str | None:
    """The document with the rules of its style elements, or of `css`, written into style attributes.

    The style elements stay: media queries, :hover and @font-face only work there. HTML without any is
    returned as it was written. None if it must stay as it is: the parser would change its structure (a
    branch of Liquid opens an element which another one ends), or the styles are too many. Raises
    CannotStyleError.
    """
    if css is None and "<style" not in html.lower():
        return html
    shield = Shield(html)
    marked, inside = _marked(shield, css)
    if marked is None:
        return None
    inliner = CSSInliner(
        inline_style_tags=css is None,
        extra_css=css,
        keep_style_tags=True,
        keep_link_tags=True,
        load_remote_stylesheets=False,
    )
    try:
        made = inliner.inline(marked)
    except (InlineError, ValueError) as error:
        raise CannotStyleError(f"The style sheet cannot be read: {str(error)[:300]}") from None
    if _sequence(shield, marked, inside) != _sequence(shield, made, inside):
        return None
    if _STRUCTURE.findall(marked.lower()) != _STRUCTURE.findall(made.lower()):
        return None
    return shield.restore_markup(made)


def _marked(shield: Shield, css: str | None) -> tuple[str | None, set[str]]:
    """The shielded source with Liquid between elements as comments, and the tags held in styles.

    A word between table rows would be moved out of the table; a comment stays where it is.
    """
    source, out, elements = shield.text, [], 0
    inside: set[str] = set()
    rules = 0 if css is None else _rules(css)
    for kind, start, end, name in pieces(source):
        part = source[start:end]
        if kind == "open" and name in ("svg", "math"):
            return None, inside
        if kind == "text":
            part = shield.found.sub(lambda match: f"<!--{match[0]}-->", part)
        elif kind == "declaration" and not part.lower().startswith("<!doctype"):
            part = f"<!--{shield.hold(part)}-->"
        elif kind == "raw" and name == "style" and css is None:
            numbers = shield.found.findall(part)
            if any(shield.held[int(number)].startswith("{%") for number in numbers):
                return None, inside
            inside.update(numbers)
            rules += _rules(part)
        elements += kind == "open"
        out.append(part)
    return (None if rules * elements > MAX_WORK else "".join(out)), inside


def _rules(css: str) -> int:
    return css.count("{") + css.count(",")


def _sequence(shield: Shield, text: str, inside: set[str]) -> list[str]:
    """The Liquid tags in their order, without those that styles carry into attributes."""
    return [number for number in shield.found.findall(text) if number not in inside]
