"""Forms: a step's colander `Config` as JSON Schema with hints, from which the dashboard draws it.

A SchemaNode may carry `ui={"widget": "template"}`: the dashboard's hint, kept as `x-ui`. Also the
one way in which settings are read: strict, whole, and with the place of each problem.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import colander

from autoloop.plugins.conditions import ConditionType
from autoloop.plugins.expressions import ExpressionType
from autoloop.plugins.leaves import leaves

__all__ = [
    "ConfigProblems",
    "FreeMapping",
    "json_schema",
    "misfit",
    "plain_words",
    "read_config",
    "schema_of",
]


PLAIN = {
    " is not a string: ": "must be a text",
    " is not a mapping type: ": "must be an object",
    " is not iterable": "must be a list",
}


class ConfigProblems(ValueError):
    """Settings that do not fit; `problems` maps a field's path to its message."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field or 'config'}: {message}" for field, message in problems.items()))
        self.problems = dict(problems)


class FreeMapping(colander.SchemaType):  # type: ignore[misc]
    """A JSON object of any keys, as for event data to match. At most 100 keys, scalars or lists inside."""

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        if (
            not isinstance(cstruct, Mapping)
            or len(cstruct) > 100
            or not all(isinstance(k, str) for k in cstruct)
        ):
            raise colander.Invalid(node, "must be an object with at most 100 keys")
        return dict(cstruct)

    def serialize(self, node: Any, appstruct: Any) -> Any:
        return appstruct

    def cstruct_children(self, node: Any, cstruct: Any) -> list[Any]:
        return []


def schema_of(plugin: Any) -> colander.SchemaNode:
    """The plugin's settings as a schema that refuses what it does not know."""
    schema = plugin.Config()
    _strict(schema)
    return schema


def _strict(node: colander.SchemaNode) -> None:
    if isinstance(node.typ, colander.Mapping):
        node.typ.unknown = "raise"
    for child in node.children:
        _strict(child)


def read_config(plugin: Any, config: Any, version: int | None = None) -> dict[str, Any]:
    """Settings as the plugin wants them: brought up to today's version, checked, defaults filled in.

    Raises ConfigProblems. A plugin's own error while upgrading counts as a problem of the settings.
    """
    if not isinstance(config, Mapping):
        raise ConfigProblems({"": "must be an object"})
    given = {key: value for key, value in config.items() if value is not None}
    if version is not None and version > plugin.config_version:
        raise ConfigProblems({"": f"was written for a newer {plugin.name} (settings version {version})"})
    try:
        if version is not None and version < plugin.config_version:
            given = plugin.upgrade(given, version)
        schema = schema_of(plugin)
        bent = _misfits(schema, given, "")
        if bent:
            raise ConfigProblems(bent)
        read = schema.deserialize(given)
    except colander.Invalid as error:
        raise ConfigProblems(_problems(error)) from None
    except RecursionError:
        raise ConfigProblems({"": "is nested too deeply"}) from None
    # What is no number lies within every range.
    endless = {
        place: "must be a number"
        for place, value in leaves(read)
        if isinstance(value, float) and not isfinite(value)
    }
    if endless:
        raise ConfigProblems(endless)
    return dict(read)


TRUTHS = ("true", "false", "1", "0", "on", "yes")


def misfit(kind: colander.SchemaType, given: Any) -> str | None:
    """What is wrong with a value that Colander would bend until it fits: 1.5 to 1, true to 1, “no” to true."""
    if type(kind) is colander.Integer:
        bent = isinstance(given, bool) or (isinstance(given, float) and not given.is_integer())
        return "must be a whole number" if bent else None
    if type(kind) is colander.Float:
        return "must be a number" if isinstance(given, bool) else None
    if type(kind) is colander.Boolean:
        return None if str(given).lower() in TRUTHS else "must be true or false"
    return None


def _misfits(node: colander.SchemaNode, given: Any, place: str) -> dict[str, str]:
    if isinstance(node.typ, colander.Mapping) and isinstance(given, Mapping):
        children = [(child, child.name) for child in node.children if given.get(child.name) is not None]
    elif isinstance(node.typ, colander.Sequence) and isinstance(given, list | tuple):
        children = [(node.children[0], index) for index in range(len(given))]
    else:
        said = misfit(node.typ, given)
        return {place: said} if said else {}
    found: dict[str, str] = {}
    for child, key in children:
        found |= _misfits(child, given[key], f"{place}.{key}" if place else str(key))
    return found


def plain_words(said: str) -> str:
    """What Colander says for programmers, said for people; else the same."""
    return next((plain for words, plain in PLAIN.items() if words in said), said)


def _words(message: Any) -> str:
    return plain_words(str(message.interpolate()) if hasattr(message, "interpolate") else str(message))


def _problems(error: colander.Invalid) -> dict[str, str]:
    """A message for each place. What Colander says for programmers is said for people."""
    found: dict[str, str] = {}
    for path in error.paths():
        place = ".".join(name for each in path if (name := each._keyname()))
        for each in path:
            if isinstance(each, colander.UnsupportedFields):
                prefix = f"{place}." if place else ""
                found |= {f"{prefix}{name}"[:200]: "There is no such setting" for name in each.fields}
            elif said := [_words(message) for message in each.messages()]:
                found[place] = "; ".join(said)
    return found


SCALARS: tuple[tuple[type, dict[str, Any]], ...] = (
    (colander.Boolean, {"type": "boolean"}),
    (colander.Integer, {"type": "integer"}),
    (colander.Float, {"type": "number"}),
    (colander.Decimal, {"type": "number"}),
    (colander.DateTime, {"type": "string", "format": "date-time"}),
    (colander.Date, {"type": "string", "format": "date"}),
    (colander.Time, {"type": "string", "format": "time"}),
    (ConditionType, {"type": "object", "x-ui": {"widget": "condition"}}),
    (FreeMapping, {"type": "object", "x-ui": {"widget": "json"}}),
    (colander.String, {"type": "string"}),
)


def json_schema(node: colander.SchemaNode) -> dict[str, Any]:
    """JSON Schema (2020-12) of a colander schema, with titles, defaults, limits and `x-ui` hints."""
    made: dict[str, Any]
    if isinstance(node.typ, colander.Mapping):
        made = {
            "type": "object",
            "properties": {child.name: json_schema(child) for child in node.children},
            "required": [child.name for child in node.children if child.required],
            "additionalProperties": node.typ.unknown != "raise",
        }
    elif isinstance(node.typ, colander.Sequence):
        made = {"type": "array", "items": json_schema(node.children[0])}
    elif isinstance(node.typ, ExpressionType):
        made = node.typ.shape()
    else:
        made = dict(next((shape for kind, shape in SCALARS if isinstance(node.typ, kind)), {}))
    if node.title:
        made["title"] = node.title
    if node.description:
        made["description"] = node.description
    if node.missing not in (colander.required, colander.drop, colander.null, None):
        plain = isinstance(node.missing, str | int | float | list | tuple | dict)
        made["default"] = node.missing if plain else node.typ.serialize(node, node.missing)
    if node.validator is not None:
        _limits(made, node.validator)
    hint = getattr(node, "ui", None)
    if hint:
        made["x-ui"] = {**made.get("x-ui", {}), **hint}
    return made


def _limits(made: dict[str, Any], validator: Any) -> None:
    if isinstance(validator, colander.All):
        for each in validator.validators:
            _limits(made, each)
    elif isinstance(validator, colander.Range):
        low, high = (
            value if isinstance(value, int | float) else None for value in (validator.min, validator.max)
        )
        _set(made, minimum=low, maximum=high)  # JSON Schema has no limits for moments
    elif isinstance(validator, colander.Length):
        names = ("minItems", "maxItems") if made.get("type") == "array" else ("minLength", "maxLength")
        low, high = validator.min, validator.max
        _set(made, **{names[0]: low or None, names[1]: high if high is not None and high >= 0 else None})
    elif isinstance(validator, colander.OneOf):
        made["enum"] = list(validator.choices)
    elif isinstance(validator, colander.Regex):
        made["pattern"] = validator.match_object.pattern.replace(r"\Z", "$")  # as browsers write it


def _set(made: dict[str, Any], **values: Any) -> None:
    made.update({key: value for key, value in values.items() if value is not None})
