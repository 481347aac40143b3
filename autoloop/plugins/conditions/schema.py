"""A condition as a field of a step's settings."""

from __future__ import annotations

from typing import Any

import colander

from autoloop.plugins.conditions.compiled import Condition, compile_condition
from autoloop.plugins.conditions.operators import BadCondition

__all__ = ["ConditionType"]


class ConditionType(colander.SchemaType):  # type: ignore[misc]
    """Deserializes JSON into a Condition ready to be asked."""

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        try:
            return compile_condition(cstruct)
        except BadCondition as error:
            raise colander.Invalid(node, str(error)) from None

    def serialize(self, node: Any, appstruct: Any) -> Any:
        return appstruct.spec if isinstance(appstruct, Condition) else appstruct

    def cstruct_children(self, node: Any, cstruct: Any) -> list[Any]:
        return []
