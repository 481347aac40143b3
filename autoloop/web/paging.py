"""Cursor paging by key: stable while rows are added, and as fast on page 1,000 as on page 1."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from autoloop.base.errors import Invalid
from autoloop.web.views import Page

__all__ = ["Order", "fetch_page", "matching", "order_of"]


@dataclass(frozen=True)
class Order:
    """Sort by one column, then by id; both in the same direction, so that one index serves."""

    column: Any
    descending: bool = False
    parse: Callable[[str], Any] = str


def order_of(sort: str | None, allowed: Mapping[str, Any], default: str) -> Order:
    """The order asked for ("name", "-created_at"), if it is allowed. Raises Invalid."""
    wanted = sort or default
    name = wanted.removeprefix("-")
    if name not in allowed:
        names = ", ".join(sorted(allowed))
        raise Invalid(details={"sort": [f"Sort by one of: {names}; with “-” before it for descending."]})
    return Order(allowed[name], wanted.startswith("-"))


def matching(filters: Mapping[str, Any], rows: Select[Any], *columns: Any) -> Select[Any]:
    """Only rows that hold the search words, `filters["q"]`, in one of the columns; all without words."""
    words = filters["q"]
    if not words:
        return rows
    return rows.where(or_(*(column.icontains(words, autoescape=True) for column in columns)))


def fetch_page(
    session: Session,
    statement: Select[Any],
    order: Order,
    id_column: Any,
    filters: Mapping[str, Any],
    *,
    count: bool = False,
) -> Page:
    """One page of `statement`, from `filters["cursor"]`, with `filters["limit"]` rows.

    The statement selects the order's column and the id under their own names, besides what else
    it needs. Empty values of the order's column are taken as the smallest.
    """
    limit, total = filters["limit"], None
    if count:
        total = session.execute(
            select(func.count()).select_from(statement.order_by(None).subquery())
        ).scalar_one()
    key = _key(order)
    if filters.get("cursor"):
        value, last = _decode(filters["cursor"], order)
        statement = statement.where(_after(key, value, id_column, last, order.descending))
    direction = [key.desc(), id_column.desc()] if order.descending else [key.asc(), id_column.asc()]
    rows = session.execute(
        statement.add_columns(key.label("_key")).order_by(*direction).limit(limit + 1)
    ).all()
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        following = _encode(rows[-1]._key, rows[-1].id)
    return Page(rows, following, total)


def _key(order: Order) -> ColumnElement[Any]:
    column = order.column
    if getattr(column, "nullable", False):
        kind = column.type.python_type
        if kind is datetime:
            return func.coalesce(column, func.to_timestamp(0))  # type: ignore[no-any-return]
        return func.coalesce(column, kind() if kind in (str, int, float) else None)  # type: ignore[no-any-return]
    return column  # type: ignore[no-any-return]


def _after(key: Any, value: Any, id_column: Any, last: UUID, descending: bool) -> ColumnElement[bool]:
    if descending:
        return and_(key <= value, or_(key < value, id_column < last))
    return and_(key >= value, or_(key > value, id_column > last))


def _encode(value: Any, id: UUID) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([value, id])).rstrip(b"=").decode()


def _decode(cursor: str, order: Order) -> tuple[Any, UUID]:
    try:
        value, id = orjson.loads(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        )
        kind = order.column.type.python_type
        if kind is datetime:
            value = datetime.fromisoformat(value)
        elif kind is UUID:
            value = UUID(value)
        elif not isinstance(value, kind) or (isinstance(value, str) and "\x00" in value):
            raise ValueError(cursor)
        return value, UUID(id)
    except (ValueError, TypeError, AttributeError):
        raise Invalid(
            details={"cursor": ["This is no cursor of this list. Start again without it."]}
        ) from None
