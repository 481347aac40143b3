"""A duration as two fields of a form: how many, of what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import colander

__all__ = ["LONGEST", "UNITS", "Duration", "length", "words"]

UNITS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400, "weeks": 604_800}
LONGEST = timedelta(days=3650)


class Duration(colander.MappingSchema):  # type: ignore[misc]
    ui = {"widget": "duration"}
    amount = colander.SchemaNode(colander.Float(), validator=colander.Range(0, 315_360_000), title="How long")
    unit = colander.SchemaNode(
        colander.String(), validator=colander.OneOf(list(UNITS)), missing="days", title="Unit"
    )

    def validator(self, node: colander.SchemaNode, value: Mapping[str, Any]) -> None:
        if value["amount"] * UNITS.get(value["unit"], 86_400) > LONGEST.total_seconds():
            raise colander.Invalid(node, "must be at most ten years")


def length(value: Mapping[str, Any]) -> timedelta:
    return timedelta(seconds=value["amount"] * UNITS[value["unit"]])


def words(value: Mapping[str, Any]) -> str:
    """Such as “2 days” or “1 hour”."""
    amount = value["amount"]
    unit = value["unit"].removesuffix("s") if amount == 1 else value["unit"]
    return f"{amount:g} {unit.replace('_', ' ')}"
