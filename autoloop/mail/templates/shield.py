"""Keep Liquid out of the sight of other languages: tags become words, and come back later."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["Shield", "in_places"]

_TAGS = re.compile(r"\{\{[^{}]{0,2000}?\}\}|\{%(?:[^%{}]|%(?!\})){0,2000}?%\}")


# Where a comment would be no comment: inside of tags, style sheets, titles, comments.
_OPAQUE = re.compile(
    r"<!--.*?-->|<(style|script|title|textarea)\b.*?</\1\s*>|<[a-zA-Z/!][^<>]*>", re.DOTALL | re.IGNORECASE
)


def in_places(html: str) -> Shield:
    """A shield of comments where text may stand: a parser would move words out of the middle of a table."""
    opaque = [match.span() for match in _OPAQUE.finditer(_TAGS.sub(lambda tag: "x" * len(tag[0]), html))]
    places = iter([*opaque, (len(html), len(html))])
    inside = [next(places)]

    def is_free(at: int) -> bool:
        while inside[0][1] <= at < len(html):
            inside[0] = next(places)
        return at < inside[0][0]

    return Shield(html, is_free)


class Shield:
    """Replaces each Liquid tag of a source by a word of letters and digits, which no markup changes.

    Where `is_free(place)` the word stands in a comment. Places are asked in order.
    """

    def __init__(self, source: str, is_free: Callable[[int], bool] = lambda at: False) -> None:
        word = "zliquid"
        while word in source:
            word += "z"
        self.held: list[str] = []
        self.found = re.compile(rf"(?:<!--)?{word}(\d+)q(?:-->)?")

        def hold(match: re.Match[str]) -> str:
            self.held.append(match.group())
            made = f"{word}{len(self.held) - 1}q"
            return f"<!--{made}-->" if is_free(match.start()) else made

        self.text = _TAGS.sub(hold, source)

    def restore(self, text: str) -> str:
        """The tags back in their places."""
        return self.found.sub(lambda match: self.held[int(match[1])], text)

    def restore_html(self, html: str) -> str:
        """As `restore`; a paragraph that holds nothing but `{% … %}` tags is no paragraph."""
        alone = re.compile(rf"<p>((?:\s*{self.found.pattern})+)\s*</p>")

        def unwrap(match: re.Match[str]) -> str:
            numbers = self.found.findall(match[1])
            return (
                match[1] if all(self.held[int(number)].startswith("{%") for number in numbers) else match[0]
            )

        return self.restore(alone.sub(unwrap, html))
