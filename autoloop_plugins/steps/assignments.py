"""Fields set to values: a part of forms, and values checked against the kinds of the fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

import colander

from autoloop.plugins import ExpressionError, ExpressionType, Needs, StepContext, needs_of
from autoloop.plugins.expressions import Expression, convert

__all__ = ["assignments", "names", "needs_for", "problems_of", "worked_out"]

LONGEST = 10_000


class Assignment(colander.MappingSchema):  # type: ignore[misc]
    field = colander.SchemaNode(
        colander.String(),
        validator=colander.Regex(
            r"^(fields\.)?[a-z][a-z0-9_]{0,62}\Z", msg="must be a field, or fields. and a custom field"
        ),
        title="Field",
    )
    value = colander.SchemaNode(
        ExpressionType(), missing=None, title="Value", description="Empty clears the field"
    )


def assignments(target: str, own: Iterable[str]) -> colander.SchemaNode:
    """A setting that sets fields of the contact or of its business; `own` are those that every record has."""
    row = Assignment(name="assignment")
    row["field"].ui = {"widget": "contact_field", "of": target, "own": list(own)}
    return colander.SchemaNode(
        colander.Sequence(), row, validator=colander.Length(1, 50), title="Set", ui={"widget": "columns"}
    )


def needs_for(given: Sequence[Mapping[str, Any]]) -> Needs:
    """What expressions read, and the kinds of custom fields if any is set."""
    custom = any(each["field"].startswith("fields.") for each in given)
    return needs_of([each["value"] for each in given]) | Needs(workspace=custom)


def names(given: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(each["field"].removeprefix("fields.") for each in given)


def problems_of(
    given: Sequence[Mapping[str, Any]], own: Mapping[str, int], statuses: Sequence[str]
) -> Iterable[tuple[str, str]]:
    """What is wrong whatever the workspace: `own` has the settable fields with their lengths."""
    if len({each["field"] for each in given}) < len(given):
        yield "set", "Two of them set the same field."
    for index, each in enumerate(given):
        field, value = each["field"], each["value"]
        if not field.startswith("fields.") and field not in own:
            yield f"set.{index}.field", f"A step cannot set “{field}”."
        elif isinstance(value, list | dict):
            yield f"set.{index}.value", "It is a text, a number, true, false, null or an expression."
        elif not isinstance(value, Expression):
            try:
                _fitting(field, value, own, statuses)
            except ValueError as error:
                yield f"set.{index}.value", str(error)


def worked_out(
    ctx: StepContext,
    given: Sequence[Mapping[str, Any]],
    target: str,
    own: Mapping[str, int],
    statuses: Sequence[str],
) -> dict[str, Any]:
    """Each field with its value for this run. Raises ExpressionError, naming the field that does not fit."""
    kinds = (ctx.workspace.get("fields") or {}).get(target)
    made: dict[str, Any] = {}
    for each in given:
        field, value = each["field"], ctx.evaluate(each["value"])
        try:
            if field.startswith("fields."):
                made[field] = _custom(field[7:], value, kinds)
            else:
                made[field] = _fitting(field, value, own, statuses)
        except ValueError as error:
            raise ExpressionError(f"{field}: {error}") from None
    return made


def _fitting(field: str, value: Any, own: Mapping[str, int], statuses: Sequence[str]) -> Any:
    if field.startswith("fields."):
        if isinstance(value, str) and len(value) > LONGEST:
            raise ValueError(f"A text has at most {LONGEST:,} characters.")
        return value
    text: str = convert(value, "text").strip()
    if field == "status" and text not in statuses:
        raise ValueError(f"A status is one of {', '.join(statuses)}.")
    if field == "timezone" and text and text not in available_timezones():
        raise ValueError(f"There is no time zone “{text[:40]}”.")
    if len(text) > own[field]:
        raise ValueError(f"It has at most {own[field]} characters.")
    return text


def _custom(key: str, value: Any, kinds: Mapping[str, Any] | None) -> Any:
    """A custom field's value, of the kind that its definition says; without definitions as it is."""
    if kinds is None or value is None or value == "":
        return value
    if key not in kinds:
        raise ValueError("there is no such custom field")
    kind, choices = kinds[key]["kind"], kinds[key]["choices"]
    if kind == "date":
        return convert(value, "date").isoformat()
    if kind == "choice":
        found = next((each for each in choices if each.casefold() == str(value).strip().casefold()), None)
        if found is None:
            raise ValueError(f"“{str(value)[:40]}” is none of {', '.join(choices[:10])}")
        return found
    made = convert(value, "number" if kind == "number" else "boolean" if kind == "boolean" else "text")
    if isinstance(made, str) and len(made) > LONGEST:
        raise ValueError(f"a text has at most {LONGEST:,} characters")
    if kind == "number" and abs(made) >= 10**15:
        raise ValueError("a number has at most 15 digits")
    return made
