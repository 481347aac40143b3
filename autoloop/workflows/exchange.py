"""A workflow as one JSON document: what goes out can come in again, here or elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id

__all__ = ["FORMAT", "checked_use", "document", "in_order", "plain_json", "read_document", "replaced"]

FORMAT = "workflow"
LARGEST = 1_000_000
DEEPEST = 40
FIELDS = ("autoloop", "schema", "name", "description", "references", "templates", "triggers", "graph")
MOST_REFERENCES = 2_000
MOST_TEMPLATES, LARGEST_TEMPLATES = 200, 4_000_000
LARGEST_FILES = 8_000_000  # characters of base64


ORDER = {
    "graph": ("schema", "nodes", "edges", "settings"),
    "node": ("id", "type", "config_version", "config", "position", "note"),
    "edge": ("id", "from", "port", "to"),
    "trigger": ("type", "config", "config_version"),
}


def in_order(value: Any, kind: str) -> Any:
    """The same graph, node, edge or trigger with its keys as people write them: the database keeps its own order."""
    if not isinstance(value, Mapping):
        return value
    keys = [key for key in ORDER[kind] if key in value]
    made = {key: value[key] for key in (*keys, *(key for key in value if key not in keys))}
    for key, member in (("nodes", "node"), ("edges", "edge")):
        if kind == "graph" and isinstance(made.get(key), list):
            made[key] = [in_order(each, member) for each in made[key]]
    return made


def document(
    name: str,
    description: str,
    graph: Mapping[str, Any],
    triggers: Sequence[Mapping[str, Any]],
    references: Sequence[Mapping[str, str]] = (),
    templates: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The document of a workflow. It holds no ids of its own; `references` are those that its settings hold
    of other things (templates, senders, segments, credentials, workflows), with their names;
    `templates` are those of them that travel along."""
    return {
        "autoloop": FORMAT,
        "schema": 1,
        "name": name,
        "description": description,
        **({"references": [dict(each) for each in references]} if references else {}),
        **({"templates": [dict(each) for each in templates]} if templates else {}),
        "triggers": [in_order(trigger, "trigger") for trigger in triggers],
        "graph": in_order(graph, "graph"),
    }


def read_document(given: Any) -> dict[str, Any]:
    """A document, checked for its shape only: an unfinished draft may travel too. Raises Invalid."""
    if not isinstance(given, Mapping) or given.get("autoloop") != FORMAT:
        raise Invalid(
            _("This is no workflow written by AutoLoop: “autoloop” must be “workflow”."),
            code="NOT_A_WORKFLOW",
        )
    if given.get("schema") != 1:
        raise Invalid(details={"schema": [_("This document was written for another version of AutoLoop.")]})
    details: dict[str, list[str]] = {
        str(key)[:100]: [_("There is no such field.")] for key in given if key not in FIELDS
    }
    name, description = given.get("name"), given.get("description", "")
    if not _is_text(name, 200) or not name.strip():
        details["name"] = [_("A name of 1 to 200 characters is needed.")]
    if not _is_text(description, 2000):
        details["description"] = [_("A text of at most 2,000 characters.")]
    if not isinstance(given.get("graph"), Mapping):
        details["graph"] = [_("A graph is an object with nodes, edges and settings.")]
    triggers = given.get("triggers", [])
    if not isinstance(triggers, list) or not all(isinstance(each, Mapping) for each in triggers):
        details["triggers"] = [_("A list of objects with a type and a config.")]
    references = given.get("references", [])
    if (
        not isinstance(references, list)
        or len(references) > MOST_REFERENCES
        or not all(map(_names, references))
    ):
        details["references"] = [_("A list of at most 2,000 objects with the texts kind, id and name.")]
    templates = given.get("templates", [])
    if (
        not isinstance(templates, list)
        or len(templates) > MOST_TEMPLATES
        or not all(map(_is_template, templates))
    ):
        details["templates"] = [_("A list of at most 200 objects, each with the texts id and name.")]
    if details:
        raise Invalid(details=details)
    plain_json(templates, "templates", LARGEST_TEMPLATES + LARGEST_FILES)
    if _size(templates) - sum(_size_of_files(each) for each in templates) > LARGEST_TEMPLATES:
        raise Invalid(details={"templates": [_too_large(LARGEST_TEMPLATES)]})
    return document(name.strip(), description, given["graph"], triggers, references, templates)


def _is_text(given: Any, most: int) -> TypeGuard[str]:
    return isinstance(given, str) and len(given) <= most and _is_kept(given)


def _is_template(each: Any) -> bool:
    """Is this a template? What it says is looked at when it is made."""
    return (
        isinstance(each, Mapping)
        and all(isinstance(each.get(key), str) and _is_kept(each[key]) for key in ("id", "name"))
        and 0 < len(each["name"].strip()) <= 200
    )


def _size_of_files(template: Mapping[str, Any]) -> int:
    """How much of a template are the octets of files."""
    files = template.get("files")
    if not isinstance(files, list):
        return 0
    return sum(
        len(data) for each in files if isinstance(each, Mapping) and isinstance(data := each.get("data"), str)
    )


def _names(each: Any) -> bool:
    """Is this a reference?"""
    return (
        isinstance(each, Mapping)
        and set(each) == {"kind", "id", "name"}
        and all(_is_text(value, 400) for value in each.values())
    )


def checked_use(given: Mapping[str, Any]) -> dict[str, str]:
    """Ids of a document → those that shall stand in their place. Raises Invalid for what is no id."""
    wrong = {
        f"use.{key[:100]}": [_("Give an id, and the id that takes its place.")]
        for key, value in given.items()
        if parse_id(key) is None or not isinstance(value, str) or parse_id(value) is None
    }
    if wrong:
        raise Invalid(details=wrong)
    return dict(given)


def replaced(value: Any, words: Mapping[str, str]) -> Any:
    """The same value with each text that is a key of `words` replaced: ids of one workspace by those of another."""
    if isinstance(value, str):
        return words.get(value, value)
    if isinstance(value, Mapping):
        return {key: replaced(each, words) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [replaced(each, words) for each in value]
    return value


def plain_json(value: Any, place: str, largest: int = LARGEST) -> None:
    """Raise Invalid unless the database can hold the value: its depth, its numbers, its size."""
    problem = _problem(value, DEEPEST)
    if problem is None and _size(value) > largest:
        problem = _too_large(largest)
    if problem is not None:
        raise Invalid(details={place: [problem]})


def _problem(value: Any, deeper: int) -> Any | None:
    if deeper == 0:
        return _("Must not be nested deeper than ${most} levels.", mapping={"most": DEEPEST})
    if isinstance(value, str) and not _is_kept(value):
        return _("Must not hold NUL characters, nor halves of characters.")
    if isinstance(value, Mapping | list | tuple):
        members = [*value, *value.values()] if isinstance(value, Mapping) else value
        return next((found for each in members if (found := _problem(each, deeper - 1))), None)
    if isinstance(value, int) and abs(value) > 2**53:
        return _("Whole numbers go up to 9,007,199,254,740,992.")
    if isinstance(value, float) and value - value != 0:  # infinite, or no number
        return _("Numbers must be finite.")
    return None


def _is_kept(text: str) -> bool:
    """Can the database hold it? Half of a surrogate pair has no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _too_large(most: int) -> Any:
    return _("Must not be larger than ${most} characters.", mapping={"most": f"{most:,}"})


def _size(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(len(key) + 4 + _size(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return sum(2 + _size(each) for each in value)
    return len(value) if isinstance(value, str) else 8
