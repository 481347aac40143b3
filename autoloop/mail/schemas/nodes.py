"""Kinds of fields that the shapes of mail are made of."""

from __future__ import annotations

from typing import Any

import colander

from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.base.lines import few_lines, one_line, strip

__all__ = ["Id", "NullableText", "id_of", "line", "lines", "moment", "one_of", "plain", "text"]


class Id(colander.SchemaType):  # type: ignore[misc]
    """A uuid in canonical form; with `nullable`, null is a value too: it empties the field."""

    def __init__(self, *, nullable: bool = False) -> None:
        self.nullable = nullable

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null or (cstruct is None and self.nullable):
            return cstruct
        found = parse_id(cstruct) if isinstance(cstruct, str) else None
        if found is None:
            raise colander.Invalid(node, _("This is no id."))
        return found


class NullableText(colander.String):  # type: ignore[misc]
    """Text of which "" and null are values: they empty the field."""

    nullable = True

    def __init__(self) -> None:
        super().__init__(allow_empty=True)

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        return "" if cstruct is None else super().deserialize(node, cstruct)


def text(title: Any, most: int = 200, *, nullable: bool = False, **options: Any) -> colander.SchemaNode:
    kind = NullableText() if nullable else colander.String()
    return colander.SchemaNode(kind, title=title, validator=colander.Length(max=most), **options)


def line(title: Any, most: int = 200, *, least: int = 1, **options: Any) -> colander.SchemaNode:
    """What something is called: one line."""
    validator = colander.All(colander.Length(least, most), one_line)
    return colander.SchemaNode(
        colander.String(allow_empty=not least), title=title, preparer=strip, validator=validator, **options
    )


def lines(title: Any, most: int = 200, **options: Any) -> colander.SchemaNode:
    """A few lines, or none."""
    validator = colander.All(colander.Length(max=most), few_lines)
    return colander.SchemaNode(
        colander.String(allow_empty=True), title=title, preparer=strip, validator=validator, **options
    )


def id_of(title: Any, *, nullable: bool = False, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(Id(nullable=nullable), title=title, **options)


def moment(title: Any, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.DateTime(), title=title, **options)


def one_of(title: Any, values: Any, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(
        colander.String(), title=title, validator=colander.OneOf([str(value) for value in values]), **options
    )


def plain(title: Any, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Mapping(unknown="preserve"), title=title, **options)
