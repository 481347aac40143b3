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
        self.held: list[str] = []
        self._found = re.compile(rf"{word}(\d+)q")

        def hold(match: re.Match[str]) -> str:
            self.held.append(match.group())
            return f"{word}{len(self.held) - 1}q"

        self.text = _TAGS.sub(hold, source)

    def restore(self, text: str) -> str:
        """The tags back in their places."""
        return self._found.sub(lambda match: self.held[int(match[1])], text)

    def restore_html(self, html: str) -> str:
        """As `restore`; a paragraph that holds nothing but `{% … %}` tags is no paragraph."""
        alone = re.compile(rf"<p>((?:\s*{self._found.pattern})+)\s*</p>")

        def unwrap(match: re.Match[str]) -> str:
            numbers = self._found.findall(match[1])
            return (
                match[1] if all(self.held[int(number)].startswith("{%") for number in numbers) else match[0]
            )

        return self.restore(alone.sub(unwrap, html))
