"""Update contact: set fields of the contact to fixed values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import DecisionStep, Next, Outcome, StepContext, effects

__all__ = ["UpdateContact"]


class Value(colander.SchemaType):  # type: ignore[misc]
    """A text, number, true, false, or null to empty the field."""

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        if not isinstance(cstruct, str | int | float | bool | None) or (
            isinstance(cstruct, str) and len(cstruct) > 10_000
        ):
            raise colander.Invalid(
                node, "must be a text of up to 10,000 characters, a number, true, false or null"
            )
        return cstruct

    def serialize(self, node: Any, appstruct: Any) -> Any:
        return appstruct

    def cstruct_children(self, node: Any, cstruct: Any) -> list[Any]:
        return []


class Assignment(colander.MappingSchema):  # type: ignore[misc]
    field = colander.SchemaNode(
        colander.String(),
        validator=colander.Regex(
            r"^(fields\.)?[a-z][a-z0-9_]{0,62}\Z", msg="must be a field, or fields. and a custom field"
        ),
        title="Field",
        ui={"widget": "contact_field"},
    )
    value = colander.SchemaNode(Value(), missing=None, title="Value")


class Assignments(colander.SequenceSchema):  # type: ignore[misc]
    assignment = Assignment()


class UpdateContact(DecisionStep):
    """Set fields of the contact to fixed values. An empty value clears the field."""

    name, title, category, icon = "update_contact", "Update contact", "data", "edit"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        set = Assignments(validator=colander.Length(1, 50), title="Set")

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        return Next(
            effects=(effects.UpdateContact({each["field"]: each["value"] for each in config["set"]}),)
        )

    def summary(self, config: Mapping[str, Any]) -> str:
        return "Set " + ", ".join(each["field"].removeprefix("fields.") for each in config["set"])
