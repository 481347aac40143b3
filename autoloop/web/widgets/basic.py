"""Widgets for plain values: text, numbers, choices, switches, lists, groups, JSON and expressions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from autoloop.web.widgets.form import ABSENT, RAW, Field, Form, Schema, strict_json
from autoloop.web.widgets.trees import Tree, keys_of

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
        return _number(text_in(tree).strip()) if text_in(tree).strip() else ABSENT

    def same(self, value: Any, back: Any) -> bool:
        return not isinstance(value, bool) and isinstance(back, int | float) and bool(value == back)


def _number(text: str) -> Any:
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
        shown = [(str(each), labels.get(each) or _words(each)) for each in field.schema["enum"]]
        if field.text and field.text not in dict(shown):
            shown.append((field.text, field.text))
        return shown


def _words(value: Any) -> str:
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


class List(Widget):
    """Rows, each drawn by the widget of the items. Rows in which nothing stands are left out."""

    macro = "list"

    def fits(self, schema: Schema) -> bool:
        return schema.get("type") == "array"

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        return {str(index): form.write(schema["items"], each) for index, each in enumerate(value)}

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        rows = (form.read(schema["items"], tree[key], f"{name}.{key}") for key in keys_of(tree))
        found = [row for row in rows if row is not ABSENT]
        return found or ABSENT

    def same(self, value: Any, back: Any) -> bool:
        return isinstance(value, list) and len(value) == (0 if back is ABSENT else len(back))

    def parts(self, field: Field) -> Iterator[Field]:
        count, items = 0, field.schema["items"]
        tree = field.tree
        if not tree and field.schema.get("default"):
            tree = field.tree = self.write(field.form, field.schema, field.schema["default"])
        for key in keys_of(tree):
            part = field.part(key, items, place=str(count), required=True)
            count += part.filled
            yield part


class Columns(List):
    """Rows of a few short fields, side by side."""

    macro = "columns"


class Weights(List):
    """Rows with a `weight`: beside each the share that it comes to."""

    macro = "weights"

    def shares(self, field: Field) -> list[str]:
        found = [each.form.read(each.schema, each.tree, each.name) for each in field.parts]
        weights = [each.get("weight", 1.0) if isinstance(each, Mapping) else 0 for each in found]
        held = [
            each if isinstance(each, int | float) and not isinstance(each, bool) else 0 for each in weights
        ]
        whole = sum(held)
        return [f"{100 * each / whole:.1f}".removesuffix(".0") + " %" if whole else "–" for each in held]


class Numbers(List):
    """Whole numbers in one line, with commas between them."""

    macro = "text"

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        return ", ".join(str(each) for each in value)

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        return [_number(word.strip()) for word in text_in(tree).split(",") if word.strip()] or ABSENT

    def same(self, value: Any, back: Any) -> bool:
        return list(value) == ([] if back is ABSENT else back)

    def parts(self, field: Field) -> Iterator[Field]:
        return iter(())


class Ticks(List):
    """Some of the words in the items' `enum`, as boxes to tick."""

    macro = "ticks"

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        words = [str(each) for each in schema["items"]["enum"]]
        return {"set": "yes"} | {str(words.index(str(each))): "yes" for each in value}

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        if not isinstance(tree, Mapping) or "set" not in tree:
            return ABSENT
        found = [each for index, each in enumerate(schema["items"]["enum"]) if tree.get(str(index)) == "yes"]
        return found if found or schema.get("default") else ABSENT

    def same(self, value: Any, back: Any) -> bool:
        return sorted(map(str, value)) == sorted(map(str, [] if back is ABSENT else back))

    def parts(self, field: Field) -> Iterator[Field]:
        return iter(())

    def options(self, field: Field) -> list[tuple[str, bool]]:
        """Each word as people say it, and whether it is ticked."""
        tree = field.tree or self.write(field.form, field.schema, field.schema.get("default") or ())
        labels = field.ui.get("labels") or {}
        return [
            (labels.get(each) or _words(each), tree.get(str(index)) == "yes")
            for index, each in enumerate(field.schema["items"]["enum"])
        ]


BASIC: dict[str, Widget] = {
    "type:string": Text(),
    "type:integer": Number(),
    "type:number": Number(),
    "type:boolean": Switch(),
    "type:object": Group(),
    "type:array": List(),
    "type:any": Expression(),
    "select": Select(),
    "textarea": Text("textarea"),
    "json": Raw(),
    "expression": Expression(),
    "columns": Columns(),
    "weights": Weights(),
    "numbers": Numbers(),
    "ticks": Ticks(),
    "date": Text("date"),
}
