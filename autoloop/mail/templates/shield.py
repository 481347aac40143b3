"""Keep Liquid out of the sight of other languages: tags become words, and come back later."""

from __future__ import annotations

import re

__all__ = ["Shield"]

_TAGS = re.compile(r"\{\{[^{}]{0,2000}?\}\}|\{%(?:[^%{}]|%(?!\})){0,2000}?%\}")


class Shield:
    """Replaces each Liquid tag of a source by a word of letters and digits, which no markup changes."""

    def __init__(self, source: str) -> None:
        word = "zliquid"
        while word in source:
            word += "z"
        self._word = word
        self.held: list[str] = []
        self.found = re.compile(rf"{word}(\d+)q")
        self.text = _TAGS.sub(lambda match: self.hold(match.group()), source)

    def hold(self, part: str) -> str:
        """The word that stands for this part from now on."""
        self.held.append(part)
        return f"{self._word}{len(self.held) - 1}q"

    def restore(self, text: str) -> str:
        """The tags back in their places."""
        return self.found.sub(lambda match: self.held[int(match[1])], text)

    def restore_markup(self, text: str) -> str:
        """As `restore`, where a word may have become a comment, or an attribute without a value."""
        word = self.found.pattern
        pattern = rf'<!--{word}-->|{word}(?:="")?'
        return re.sub(pattern, lambda match: self.held[int(match[1] or match[2])], text)

    def restore_html(self, html: str) -> str:
        """As `restore`; a paragraph that holds nothing but `{% … %}` tags is no paragraph."""
        alone = re.compile(rf"<p>((?:\s*{self.found.pattern})+)\s*</p>")

        def unwrap(match: re.Match[str]) -> str:
            numbers = self.found.findall(match[1])
            return (
                match[1] if all(self.held[int(number)].startswith("{%") for number in numbers) else match[0]
            )

        return self.restore(alone.sub(unwrap, html))
