"""Pieces that the shapes of this domain are made of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import colander

__all__ = ["Words", "choice", "flag", "mapping", "moment", "number", "one_id", "text", "values"]


class Emptiable(colander.String):
    """Text of which "" and null are values: they empty the field. What is left out is not touched."""

    def __init__(self) -> None:
        super().__init__(allow_empty=True)

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        return "" if cstruct is None else super().deserialize(node, cstruct)


def text(title: Any, most: int = 200, *, empty: bool = False, **options: Any) -> colander.SchemaNode:
    """Text; with `empty`, "" is a value (it empties the field), and so is null."""
    if empty:
        options.setdefault("missing", colander.drop)
    kind = Emptiable() if empty else colander.String()
    return colander.SchemaNode(kind, title=title, validator=colander.Length(max=most), **options)


def choice(title: Any, allowed: tuple[str, ...], **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.String(), title=title, validator=colander.OneOf(allowed), **options)


def moment(title: Any, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.DateTime(), title=title, **options)


def number(title: Any, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Integer(), title=title, **options)


def flag(title: Any, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Boolean(), title=title, **options)


def mapping(title: Any, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Mapping(unknown="preserve"), title=title, **options)


def values(title: Any, **options: Any) -> colander.SchemaNode:
    """Custom fields: key → text, number, true, false or null."""
    return colander.SchemaNode(
        colander.Mapping(unknown="preserve"), title=title, validator=_plain_values, **options
    )


def _plain_values(node: colander.SchemaNode, given: dict[str, Any]) -> None:
    if len(given) > 200:
        raise colander.Invalid(node, "holds more than 200 fields")
    for key, value in given.items():
        if not isinstance(value, str | int | float | bool | None):
            raise colander.Invalid(node, f"“{str(key)[:60]}” must be text, a number, true, false or null")


def _is_id(node: colander.SchemaNode, given: str) -> None:
    if given == "":
        return
    try:
        UUID(given)
    except ValueError:
        raise colander.Invalid(node, "is no id") from None


def one_id(title: Any, *, empty: bool = False, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(
        Emptiable() if empty else colander.String(), title=title, validator=_is_id, **options
    )


class Words(colander.SequenceSchema):
    """Names, each up to 100 characters."""

    word = colander.SchemaNode(colander.String(), validator=colander.Length(1, 100))
