"""Something that may be chosen in a form. Domains offer theirs as fact loaders `<widget>_choices`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select, true

from autoloop.base.ids import parse_id
from autoloop.base.services import Services

__all__ = ["MOST", "Choice", "rows_to_choose"]

MOST = 200
"""So many are listed at the most; others are found by typing."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`note` says more about it, `group` is the heading it stands under."""

    value: str
    title: str
    note: str = ""
    group: str = ""


def rows_to_choose(
    services: Services,
    table: Any,
    title: Any,
    q: str,
    keep: Collection[str],
    *,
    note: Any = None,
    there: Any = None,
) -> list[Choice]:
    """The workspace's rows by title: those whose ids are in `keep`, and others that hold `q` and are `there`."""
    ids: list[UUID] = [id for each in keep if (id := parse_id(each)) is not None]
    pattern = "%" + q.strip().replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
    fits = and_(title.ilike(pattern) if q.strip() else true(), true() if there is None else there)
    rows = services.session.execute(
        select(table.id, title, *([] if note is None else [note]))
        .where(table.workspace_id == services.workspace_id, or_(table.id.in_(ids), fits))
        .order_by(table.id.in_(ids).desc(), title)
        .limit(MOST)
    )
    found = [Choice(str(row[0]), str(row[1]), str(row[2] or "") if note is not None else "") for row in rows]
    return sorted(found, key=lambda each: each.title.casefold())
