"""The setting of steps that give or take a tag."""

from __future__ import annotations

from typing import Any

import colander

__all__ = ["OneTag"]


def _tidied(tag: Any) -> Any:
    """As tags are kept: white space at the ends is none, and any within is one space."""
    return " ".join(tag.split()) if isinstance(tag, str) else tag


class OneTag(colander.MappingSchema):  # type: ignore[misc]
    tag = colander.SchemaNode(
        colander.String(),
        preparer=_tidied,
        validator=colander.Length(1, 60),
        title="Tag",
        ui={"widget": "tag"},
    )
