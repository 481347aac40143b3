"""One question: as JSON, and as what stands in a form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autoloop.businesses.questions.known import EVENT, PATH, Known
from autoloop.businesses.questions.words import HAPPENED
from autoloop.plugins.conditions import FIELD_OPERATORS
from autoloop.web.widgets.basic import literal, spelled

__all__ = ["read_question", "write_question"]

TYPED = ("text", "choice", "list", "date")


def write_question(known: Known, spec: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the form. Raises ValueError if that would not hold all of it."""
    if "field" in spec:
        path, op = spec["field"], spec.get("op", "is")
        about = path if path in known.abouts else PATH
        tree = {"about": about, "op": op, "value": _written(known, path, op, spec.get("value"))}
        return tree | ({"path": path} if about == PATH else {})
    tree = {"op": spec.get("op", "happened"), "days": _plain(spec.get("within_days"))}
    if "at_least" in spec:
        tree["times"] = str(spec["at_least"])
    if "email" in spec:
        tree |= {"about": f"email.{spec['email']}", "node": spec.get("node") or "", "of": spec.get("of", "")}
        return tree
    match = spec.get("match")
    shown = json.dumps(match, ensure_ascii=False) if match else ""
    return tree | {"about": EVENT, "name": spec["event"], "match": shown}


def read_question(known: Known, tree: Mapping[str, Any]) -> dict[str, Any] | None:
    """The question, as far as it can be read: what is wrong is left for the condition to refuse."""
    row = {key: value.strip() for key, value in tree.items() if isinstance(value, str)}
    about = row.get("about", "")
    if not about:
        return None
    if about == EVENT or about.startswith("email."):
        return _happening(row, about)
    path = row.get("path", "") if about == PATH else about
    op = row.get("op") or ""
    if op not in FIELD_OPERATORS or op not in known.operators(path, op):
        op = known.operators(path)[0]
    spec: dict[str, Any] = {"field": path, "op": op}
    takes, text = FIELD_OPERATORS[op].takes, row.get("value", "")
    if takes == "nothing":
        return spec
    return spec | {"value": _read(known.kind(path), takes, text)}


def _happening(row: Mapping[str, str], about: str) -> dict[str, Any]:
    op = row.get("op", "")
    if about == EVENT:
        spec: dict[str, Any] = {"event": row.get("name", "")}
        if row.get("match"):
            spec["match"] = literal(row["match"])
    else:
        spec = {"email": about.removeprefix("email.")}
        spec |= {key: row[key] for key in ("node", "of") if row.get(key)}
    spec["op"] = op if op in HAPPENED else "happened"
    for key, name in (("days", "within_days"), ("times", "at_least")):
        if row.get(key):
            spec[name] = _number(row[key])
    return spec


def _written(known: Known, path: str, op: str, value: Any) -> str:
    takes, kind = FIELD_OPERATORS[op].takes, known.kind(path)
    if takes == "list":
        words = [_spelled(kind, each) for each in value]
        if any("," in word for word in words):
            raise ValueError("a comma parts the words")
        return ", ".join(words)
    return _spelled(kind if takes == "scalar" else "text", value)


def _spelled(kind: str, value: Any) -> str:
    return _plain(value) if kind in TYPED or isinstance(value, bool | int | float) else spelled(value)


def _read(kind: str, takes: str, text: str) -> Any:
    if takes in ("number", "days"):
        return _number(text)
    if takes == "list":
        return [_typed(kind, word.strip()) for word in text.split(",")]
    return _typed(kind, text) if takes == "scalar" else text


def _typed(kind: str, text: str) -> Any:
    """A number where the field is one; where the kind is not known, as it is written."""
    if kind in TYPED:
        return text
    if kind == "number":
        return _number(text)
    if text.casefold() in ("true", "false"):
        return text.casefold() == "true"
    found = literal(text)
    return text if isinstance(found, Mapping | list) or found is None else found


def _number(text: str) -> Any:
    """The number; what is none is left for the condition to refuse, with its place."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
