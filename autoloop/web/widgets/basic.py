"""Widgets for plain values: text, numbers, choices, switches, lists, groups, JSON and expressions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from autoloop.web.input import strict_json
from autoloop.web.widgets.form import ABSENT, RAW, Field, Form, Schema
from autoloop.web.widgets.trees import Tree

__all__ = ["BASIC", "KIT", "Text", "Widget", "literal", "spelled"]

KIT = "autoloop.web:layout/templates/widgets.jinja2"
LITERAL = re.compile(r"(true|false|null|-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?|[\[{\"].*)\s*\Z", re.DOTALL)


class Widget:
    """`macro` of `template` draws a field. `write` and `read` are each other's inverse."""

    macro = "text"
    template = KIT

    def fits(self, schema: Schema) -> bool:
        """Can it hold values of this schema? A hint on another type is passed over."""
        return True

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        raise NotImplementedError

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        raise NotImplementedError

    def same(self, value: Any, back: Any) -> bool:
        """Was nothing lost on the way into the form and back? 1 is not true here."""
        return type(value) is type(back) and bool(value == back)

    def parts(self, field: Field) -> Iterator[Field]:
        return iter(())

    def problem(self, field: Field, told: str) -> str:
        """What stands under it: what the check told, or what the widget sees by itself."""
        return told


def text_in(tree: Tree) -> str:
    return tree if isinstance(tree, str) else ""


class Text(Widget):
    """One line; `ui.rows` makes it several."""

    def __init__(self, macro: str = "text") -> None:
        self.macro = macro

    def fits(self, schema: Schema) -> bool:
        return schema.get("type") == "string"

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        return value

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        return text_in(tree) or ABSENT


class Number(Widget):
    macro = "number"

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        return f"{value:g}" if isinstance(value, float) and value == int(value) < 1e6 else str(value)

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        return number(text_in(tree).strip()) if text_in(tree).strip() else ABSENT

    def same(self, value: Any, back: Any) -> bool:
        return not isinstance(value, bool) and isinstance(back, int | float) and bool(value == back)


def number(text: str) -> Any:
    """The number; what is none stays text, for the schema to refuse."""
    for kind in (int, float):
        try:
            found = kind(text)
        except ValueError:
            continue
        return found if abs(found) < 2**53 else text
    return text


class Switch(Widget):
    macro = "switch"

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        return {True: "true", False: "off"}[value]

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        return ABSENT if not text_in(tree) else tree == "true"


class Select(Widget):
    """One of the words in `enum`, told by `ui.labels`."""

    macro = "select"

    def fits(self, schema: Schema) -> bool:
        return "enum" in schema

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        return str(value)

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        text = text_in(tree)
        return next((each for each in schema["enum"] if str(each) == text), text) if text else ABSENT

    def options(self, field: Field) -> list[tuple[str, str]]:
        labels = field.ui.get("labels") or {}
        shown = [(str(each), labels.get(each) or words(each)) for each in field.schema["enum"]]
        if field.text and field.text not in dict(shown):
            shown.append((field.text, field.text))
        return shown


def words(value: Any) -> str:
    text = str(value)
    return text if text.isupper() else text.replace("_", " ").capitalize()


class Raw(Widget):
    """An object, written as JSON."""

    macro = "raw"

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        return {RAW: json.dumps(value, indent=2, ensure_ascii=False)}

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        return form.read(schema, tree, name) if isinstance(tree, Mapping) and RAW in tree else ABSENT


class Expression(Widget):
    """Text that may hold {{ expressions }}. Where any type will do, numbers, true, false and JSON are read."""

    macro = "expression"

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        if not isinstance(value, str):
            return spelled(value)
        return value if schema.get("type") == "string" else spelled(value)

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        text = text_in(tree)
        if not text.strip():
            return ABSENT
        return text if schema.get("type") == "string" else literal(text)


def literal(text: str) -> Any:
    """A number, true, false, null or JSON if it is written so, else the text itself."""
    if "{{" in text or "{%" in text:
        start = text.lstrip()[:2]
        if start in ("{{", "{%") or not start.startswith(("{", "[")):
            return text
    if not LITERAL.match(text.strip()):
        return text
    try:
        return strict_json(text)
    except (ValueError, RecursionError):
        return text


def spelled(value: Any) -> str:
    """The text that `literal` reads as this value."""
    if isinstance(value, str) and literal(value) == value and isinstance(literal(value), str):
        return value
    indent = 2 if isinstance(value, Mapping | list) and value else None
    return json.dumps(value, indent=indent, ensure_ascii=False)


class Group(Widget):
    """Named fields. One with `ui.when` stands there only while another has the value it names."""

    macro = "group"

    def fits(self, schema: Schema) -> bool:
        return "properties" in schema

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        known = schema["properties"]
        if set(value) - set(known):
            raise ValueError("has fields that the form does not")
        return {key: form.write(known[key], each) for key, each in value.items() if each is not None}

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        made: dict[str, Any] = {}
        if not isinstance(tree, Mapping):
            return ABSENT
        for key, child in schema["properties"].items():
            if key not in tree or not shown_with(schema, child, tree):
                continue
            found = form.read(child, tree[key], f"{name}.{key}")
            if found is ABSENT or found == plain(child.get("default", ABSENT)):
                continue
            made[key] = found
        return made or ABSENT

    def same(self, value: Any, back: Any) -> bool:
        """Fields that hold nothing, or their default, need not come back."""
        return isinstance(value, Mapping)

    def parts(self, field: Field) -> Iterator[Field]:
        required = field.schema.get("required", ())
        for key, child in field.schema["properties"].items():
            if shown_with(field.schema, child, field.tree):
                yield field.part(key, child, required=key in required)


def shown_with(schema: Schema, child: Schema, tree: Tree) -> bool:
    """Does the field stand there, as the others are set?"""
    for other, wanted in ((child.get("x-ui") or {}).get("when") or {}).items():
        held = tree.get(other) if isinstance(tree, Mapping) else None
        if not isinstance(held, str) or not held:
            held = schema["properties"].get(other, {}).get("default", "")
        if str(held) not in (wanted if isinstance(wanted, list | tuple) else [wanted]):
            return False
    return True


def plain(value: Any) -> Any:
    """A default as JSON has it."""
    return list(value) if isinstance(value, tuple) else value


BASIC: dict[str, Widget] = {
    "type:string": Text(),
    "type:integer": Number(),
    "type:number": Number(),
    "type:boolean": Switch(),
    "type:object": Group(),
    "type:any": Expression(),
    "select": Select(),
    "textarea": Text("textarea"),
    "json": Raw(),
    "expression": Expression(),
    "date": Text("date"),
}
