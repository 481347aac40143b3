"""Widgets of lists: rows, columns, weights, numbers in a line, boxes to tick."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from autoloop.web.widgets.basic import Widget, number, text_in, words
from autoloop.web.widgets.form import ABSENT, Field, Form, Schema
from autoloop.web.widgets.trees import Tree, keys_of

__all__ = ["LISTS", "List"]


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
        return [number(word.strip()) for word in text_in(tree).split(",") if word.strip()] or ABSENT

    def same(self, value: Any, back: Any) -> bool:
        return list(value) == ([] if back is ABSENT else back)

    def parts(self, field: Field) -> Iterator[Field]:
        return iter(())


class Ticks(List):
    """Some of the words in the items' `enum`, as boxes to tick."""

    macro = "ticks"

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        known = [str(each) for each in schema["items"]["enum"]]
        return {"set": "yes"} | {str(known.index(str(each))): "yes" for each in value}

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
            (labels.get(each) or words(each), tree.get(str(index)) == "yes")
            for index, each in enumerate(field.schema["items"]["enum"])
        ]


LISTS: dict[str, Widget] = {
    "type:array": List(),
    "columns": Columns(),
    "weights": Weights(),
    "numbers": Numbers(),
    "ticks": Ticks(),
}
