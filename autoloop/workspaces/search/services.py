"""One question to all search sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autoloop.base.search import Hit, Source
from autoloop.base.services import Service

__all__ = ["LEAST", "Searching"]

LEAST = 2  # letters and digits; fewer would find nearly all


class Searching(Service):
    def find(self, words: str, most: int) -> Iterator[tuple[str, Source, Sequence[Hit]]]:
        """Each kind that has hits: the name of its collection, its source, up to `most` hits. Nothing for
        words of fewer than two letters and digits."""
        words = words.strip()
        if sum(map(str.isalnum, words)) < LEAST:
            return
        for name, source in self.services.registrations.search_sources.items():
            if hits := source.find(self.services, words, most):
                yield name, source, hits
