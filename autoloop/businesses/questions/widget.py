"""The widget of conditions: groups of questions and of groups, to any depth that conditions have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from autoloop.base.i18n import _
from autoloop.businesses.questions.known import EVENT, PATH, Known, known_to
from autoloop.businesses.questions.leaves import read_question, write_question
from autoloop.businesses.questions.words import GROUPS, HAPPENED
from autoloop.plugins.conditions import FIELD_OPERATORS, BadCondition, compile_condition
from autoloop.plugins.conditions.compiled import DEEPEST, ROOTS
from autoloop.web.widgets import ABSENT, Field, Form, Widget
from autoloop.web.widgets.form import Schema
from autoloop.web.widgets.trees import Tree, keys_of

__all__ = ["ConditionWidget"]

AT_QUESTION = re.compile(
    r"(.*\.)?(all|any|none)\.[0-9]+(\.(field|op|value|event|email|match|within_days|at_least|of|node))?"
)
KINDS = {
    "all": _("all of these are true"),
    "any": _("any of these is true"),
    "none": _("none of these is true"),
}


@dataclass
class Question:
    """A question as it is drawn; `takes` says what stands beside the operator."""

    name: str
    tree: Mapping[str, str]
    operators: Mapping[str, str]
    op: str
    takes: str
    words: tuple[str, ...] = ()
    problem: str = ""

    @property
    def about(self) -> str:
        return self.tree.get("about", "")

    @property
    def happening(self) -> bool:
        return self.about == EVENT or self.about.startswith("email.")


@dataclass
class Members:
    """A group as it is drawn."""

    name: str
    kind: str
    depth: int
    items: list[Any] = field(default_factory=list)
    problem: str = ""


class ConditionWidget(Widget):
    """`ui.roots` says what may be asked about; a form whose room is `of_sets` asks about contacts alone."""

    macro = "condition"
    template = "autoloop.businesses:templates/condition.jinja2"
    kinds, deepest = KINDS, DEEPEST

    def known(self, form: Form, schema: Schema) -> Known:
        roots = tuple(
            (schema.get("x-ui") or {}).get("roots") or (ROOTS[:2] if form.room.get("of_sets") else ROOTS)
        )
        return known_to(form, roots)

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        known = self.known(form, schema)
        if not any(kind in value for kind in GROUPS):
            value = {"all": [value]}
        return _write(known, value)

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        if not isinstance(tree, Mapping):
            return ABSENT
        found = _read(self.known(form, schema), tree)
        return ABSENT if found is None else found

    def same(self, value: Any, back: Any) -> bool:
        if not isinstance(value, Mapping) or back is ABSENT:
            return False
        return bool(
            _full(value if any(kind in value for kind in GROUPS) else {"all": [value]}) == _full(back)
        )

    def problem(self, field: Field, told: str) -> str:
        """What does not stand beside a question."""
        place, message = self._judged(field)
        return "" if AT_QUESTION.fullmatch(place) else message or told

    def top(self, field: Field) -> Members:
        """The condition, to be drawn; a first question where there is none."""
        tree = field.tree if isinstance(field.tree, Mapping) and field.tree.get("items") else None
        tree = tree or {"kind": (field.tree or {}).get("kind", "all"), "items": {"0": {}}}
        return self._members(field, field.name, tree, "", 1, self._judged(field))

    def _judged(self, field: Field) -> tuple[str, str]:
        """Place and message of the first thing that is wrong, empty if nothing is or nothing was asked."""
        found = field.form.read(field.schema, field.tree, field.name)
        if found is ABSENT or field.raw:
            return "", ""
        try:
            compile_condition(found, of_sets=bool(field.form.room.get("of_sets")))
        except BadCondition as error:
            return error.place, error.message
        return "", ""

    def parts(self, field: Field) -> Iterator[Field]:
        return iter(())

    def _members(
        self, field: Field, name: str, tree: Mapping[str, Any], place: str, depth: int, wrong: tuple[str, str]
    ) -> Members:
        known = self.known(field.form, field.schema)
        kind = tree.get("kind") if tree.get("kind") in GROUPS else "all"
        made, count = Members(name, str(kind), depth), 0
        for key in keys_of(tree.get("items")):
            each = tree["items"][key]
            below = f"{place}.{kind}.{count}".lstrip(".")
            inner = f"{name}.items.{key}"
            if isinstance(each, Mapping) and "kind" in each:
                made.items.append(self._members(field, inner, each, below, depth + 1, wrong))
                count += _read(known, each) is not None
            else:
                row = each if isinstance(each, Mapping) else {}
                made.items.append(
                    _question(
                        known,
                        inner,
                        row,
                        wrong[1] if _is_at(wrong[0], below) else "",
                        looking=field.form.looking,
                    )
                )
                count += read_question(known, row) is not None
        return made


def _is_at(place: str, question: str) -> bool:
    return bool(place) and (place == question or place.rpartition(".")[0] == question)


def _question(known: Known, name: str, tree: Mapping[str, str], problem: str, *, looking: bool) -> Question:
    spec = read_question(known, tree)
    about = tree.get("about", "")
    if spec is None:
        return Question(name, tree, {}, "", "")
    if about == EVENT or about.startswith("email."):
        problem = "" if looking and about == EVENT and not tree.get("name") else problem
        return Question(name, tree, HAPPENED, spec["op"], "days", problem=problem)
    path, op = spec["field"], spec["op"]
    titles = {each: FIELD_OPERATORS[each].title for each in known.operators(path, op)}
    words = known.words.get(path, ()) or (("true", "false") if known.kind(path) == "boolean" else ())
    if looking and (not tree.get("value") or (about == PATH and not tree.get("path"))):
        problem = ""  # nothing was typed yet
    return Question(name, tree, titles, op, FIELD_OPERATORS[op].takes, tuple(words), problem)


def _write(known: Known, spec: Mapping[str, Any]) -> dict[str, Any]:
    for kind in GROUPS:
        if kind in spec:
            items = {str(index): _write(known, each) for index, each in enumerate(spec[kind])}
            return {"kind": kind, "items": items}
    return dict(write_question(known, spec))


def _read(known: Known, tree: Mapping[str, Any]) -> dict[str, Any] | None:
    if "about" in tree or not ("kind" in tree or "items" in tree):
        return read_question(known, tree)
    kind = tree.get("kind") if tree.get("kind") in GROUPS else "all"
    items = tree.get("items")
    found = (
        _read(known, items[key])
        for key in keys_of(items)
        if isinstance(items, Mapping) and isinstance(items[key], Mapping)
    )
    held = [each for each in found if each is not None]
    return {str(kind): held} if held else None


def _full(spec: Any) -> Any:
    """With what goes without saying said, to compare."""
    if not isinstance(spec, Mapping):
        return spec
    for kind in GROUPS:
        if kind in spec:
            return {kind: [_full(each) for each in spec[kind]]}
    made = {"op": "is" if "field" in spec else "happened", **spec}
    return {key: (value, type(value)) for key, value in made.items() if value is not None and value != {}}
