"""Search sources: what each domain offers to the search of a workspace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autoloop.base.services import Services

__all__ = ["Find", "Hit", "Source", "by_name"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found; `note` says more about it."""

    id: UUID
    title: str
    note: str = ""


Find = Callable[[Services, str, int], Sequence[Hit]]
"""Records of the workspace that fit the words: so many at the most, the best first."""


@dataclass(frozen=True, slots=True)
class Source:
    """Registered under the name of the workspace's collection in which its hits are; `title` stands above them."""

    title: Any
    find: Find


def by_name(table: Any) -> Find:
    """Find rows of a small table that have the words in their name: those that begin with them first."""

    def find(services: Services, words: str, most: int) -> Sequence[Hit]:
        rows = (
            select(table.id, table.name)
            .where(table.workspace_id == services.workspace_id, table.name.icontains(words, autoescape=True))
            .order_by(table.name.istartswith(words, autoescape=True).desc(), table.name)
            .limit(most)
        )
        return [Hit(*row) for row in services.session.execute(rows)]

    return find
