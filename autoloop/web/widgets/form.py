"""A form as a whole, and each field in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pyramid.i18n import TranslationString
from pyramid.request import Request

from autoloop.base.i18n import _
from autoloop.web.input import strict_json
from autoloop.web.widgets.trees import Tree, above, keys_of, without

if TYPE_CHECKING:
    from autoloop.web.widgets.basic import Widget

__all__ = ["ABSENT", "RAW", "Field", "Form"]

RAW = "json"
"""Where a value is written as JSON, its tree is {"json": text}."""


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT: Any = _Absent()
"""What a widget reads from an empty field."""

Schema = Mapping[str, Any]


@dataclass
class Form:
    """`schema` is JSON Schema with `x-ui`; `problems` maps places of the value (`set.0.field`) to messages.

    `room` is what the place where the form stands knows: names that expressions may use, steps of a graph.
    """

    request: Request
    schema: Schema
    root: str = "config"
    action: str = ""
    tree: Tree = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    room: Mapping[str, Any] = field(default_factory=dict)
    looking: bool = False
    """Still being filled in: what is empty is not wrong yet."""
    broken: dict[str, str] = field(default_factory=dict)

    def widget(self, schema: Schema) -> Widget:
        """The widget that its hint names, else the one for its type."""
        widgets: Mapping[str, Widget] = self.request.registry.widgets
        asked = str((schema.get("x-ui") or {}).get("widget"))
        if asked in widgets and widgets[asked].fits(schema):
            return widgets[asked]
        if "enum" in schema:
            return widgets["select"]
        if "enum" in (schema.get("items") or {}):
            return widgets["ticks"]
        if schema.get("format") == "date":
            return widgets["date"]
        kind = schema.get("type", "any")
        return widgets.get("type:" + (kind if isinstance(kind, str) else "any"), widgets["type:any"])

    def write(self, schema: Schema, value: Any) -> Tree:
        """A value as it stands in the form; as JSON if its widget would lose something."""
        widget = self.widget(schema)
        try:
            tree = widget.write(self, schema, value)
            back = widget.read(self, schema, tree, "")
            kept = widget.same(value, back)
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
            kept = False
        return tree if kept else {RAW: json.dumps(value, indent=2, ensure_ascii=False)}

    def read(self, schema: Schema, tree: Tree, name: str) -> Any:
        """What was written in a field, or ABSENT. Text that is no JSON where some is needed stays text."""
        if not (isinstance(tree, Mapping) and RAW in tree):
            return self.widget(schema).read(self, schema, tree, name)
        text = str(tree[RAW])
        if not text.strip():
            return ABSENT
        try:
            return strict_json(text)
        except (ValueError, RecursionError) as error:
            why = _("This is no JSON: ${why}", mapping={"why": str(error)})
            self.broken[name] = self.request.localizer.translate(why)
            return text

    def fill(self, value: Mapping[str, Any]) -> Form:
        """Show this value."""
        self.tree = self.write(self.schema, dict(value))
        return self

    def value(self) -> dict[str, Any]:
        """What the form holds now."""
        found = self.read(self.schema, self.tree, self.root)
        return found if isinstance(found, dict) else {}

    @property
    def top(self) -> Field:
        return Field(self, self.root, "", self.schema, self.tree, required=True)

    def at(self, name: str) -> Field | None:
        """The field of that name."""
        found: Field | None = self.top
        while found is not None and found.name != name:
            found = next((each for each in found.parts if (name + ".").startswith(each.name + ".")), None)
        return found

    def act(self, asked: str) -> str | None:
        """Do what a button of the form says: `add:config.set`, `remove:config.set.1`. Where it was done."""
        verb, _colon, name = asked.partition(":")
        path = name.split(".")[1:]
        if verb in ("json", "plain"):
            return self._turned(name, path, as_json=verb == "json")
        place = above(self.tree, path)
        if place is None:
            return None
        branch, key = place
        if verb in ("add", "group"):
            rows = branch.setdefault(key, {})
            if not isinstance(rows, dict):
                return None
            taken = keys_of(rows)
            made: Tree = {} if verb == "add" else {"kind": "any", "items": {"0": {}}}
            rows[str(int(taken[-1]) + 1 if taken else 0)] = made
            return name
        holder = above(self.tree, path[:-1])
        if key not in branch or holder is None:
            return None
        if verb == "remove":
            holder[0][holder[1]] = without(branch, key)
        elif verb == "up":
            rows_of = keys_of(branch)
            index = rows_of.index(key) if key in rows_of else 0
            if index:
                other = rows_of[index - 1]
                branch[key], branch[other] = branch[other], branch[key]
        return ".".join([self.root, *path[:-1]])

    def _turned(self, name: str, path: list[str], *, as_json: bool) -> str | None:
        """A field as JSON, or as its widget again."""
        found, place = self.at(name), above(self.tree, path)
        if found is None or place is None:
            return None
        value = self.read(found.schema, found.tree, name)
        if as_json:
            shown = "" if value is ABSENT else json.dumps(value, indent=2, ensure_ascii=False)
            place[0][place[1]] = {RAW: shown}
        elif name not in self.broken:
            place[0][place[1]] = {} if value is ABSENT else self.write(found.schema, value)
        return name


@dataclass
class Field:
    """One place of a form. `name` is that of its input, `place` that of its value, for messages."""

    form: Form
    name: str
    place: str
    schema: Schema
    tree: Tree
    required: bool = False

    @cached_property
    def ui(self) -> Mapping[str, Any]:
        return self.schema.get("x-ui") or {}

    @cached_property
    def widget(self) -> Widget:
        return self.form.widget(self.schema)

    @property
    def raw(self) -> bool:
        """Is it shown as JSON?"""
        return isinstance(self.tree, Mapping) and RAW in self.tree

    @property
    def macro(self) -> str:
        return "raw" if self.raw else self.widget.macro

    @property
    def template(self) -> str:
        from autoloop.web.widgets.basic import KIT

        return KIT if self.raw else self.widget.template

    @property
    def id(self) -> str:
        return self.name.replace(".", "-")

    @property
    def title(self) -> str:
        return self._said("title") or self.name.rpartition(".")[2].replace("_", " ").capitalize()

    @property
    def help(self) -> str:
        return self._said("description")

    def _said(self, key: str) -> str:
        """Our own words in the person's language; those of a plugin as they are."""
        text = self.schema.get(key) or ""
        return str(
            self.form.request.localizer.translate(text) if isinstance(text, TranslationString) else text
        )

    @property
    def optional(self) -> bool:
        """May it stay empty, without something else standing there then?"""
        return not self.required and self.schema.get("default") in (None, "", [], (), {}, False)

    @property
    def text(self) -> str:
        """What stands in it; its default if nothing was ever written."""
        if isinstance(self.tree, str):
            return self.tree
        default = self.schema.get("default")
        if default in (None, [], (), {}) or self.tree:
            return ""
        found = self.form.write(self.schema, default)
        return found if isinstance(found, str) else ""

    @cached_property
    def problem(self) -> str:
        """What is wrong with it, its parts aside."""
        told = self.form.problems.get(self.place, "")
        if told and self.form.looking and not self.filled:
            told = ""
        return self.form.broken.get(self.name) or told if self.raw else self.widget.problem(self, told)

    @cached_property
    def parts(self) -> list[Field]:
        return [] if self.raw else list(self.widget.parts(self))

    @property
    def troubled(self) -> bool:
        return bool(self.problem) or any(part.troubled for part in self.parts)

    @property
    def filled(self) -> bool:
        return self.form.read(self.schema, self.tree, self.name) is not ABSENT

    def part(self, key: str, schema: Schema, *, place: str | None = None, required: bool = False) -> Field:
        below = self.tree.get(key, {}) if isinstance(self.tree, Mapping) else {}
        where = key if place is None else place
        return Field(
            self.form,
            f"{self.name}.{key}",
            f"{self.place}.{where}" if self.place else where,
            schema,
            below,
            required,
        )
