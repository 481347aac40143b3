"""Templates that travel inside a workflow's document: found here by name, or made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from autoloop.base.errors import Invalid
from autoloop.base.ids import parse_id
from autoloop.base.services import Services
from autoloop.workflows.checking import named_rows
from autoloop.workflows.naming import named

__all__ = ["MODES", "embedded", "settle_templates"]

MODES = ("map", "both", "none")
"""What becomes of a template whose name is taken here: the one here is used; or both are kept, and the one of
the document gets a name of its own; with `none` no template is made at all."""

LONGEST_NAME = 200


def embedded(services: Services, graph: Any, triggers: Sequence[Any]) -> list[dict[str, Any]]:
    """The templates that the settings name, for a document."""
    loader = services.registrations.fact_loaders.get("template_documents")
    ids = _named_templates(services, graph, triggers)
    return list(loader(services, ids)) if loader is not None and ids else []


def settle_templates(
    services: Services, read: Mapping[str, Any], mode: str
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Make the document's templates, or find them. Which id stands for which of this workspace, and a report:
    {"id", "name", "here", "how", "left_out"} for each; `how` is kept (it is this workspace's own), mapped (one
    of that name is here and says the same), mapped_other (it says something else), ambiguous (several have
    the name: none was chosen), or made. Raises Invalid.
    """
    make = services.registrations.effect_handlers.get("make_template")
    wanted = _named_templates(services, read["graph"], read["triggers"])
    words: dict[str, str] = {}
    report: list[dict[str, Any]] = []
    for index, each in enumerate(read.get("templates", ())):
        old = parse_id(each["id"].lower())
        if mode == "none" or make is None or old not in wanted or str(old) in words:
            continue
        told = {"id": each["id"], "name": each["name"], "here": None, "left_out": []}
        rows = named(services, "template", [old], [each["name"]])
        same = [id for id, name in rows if name == each["name"]]
        if mode == "map" and any(id == old for id, _name in rows):
            report.append(told | {"how": "kept", "here": str(old)})
        elif mode == "map" and same:
            found = str(same[0]) if len(same) == 1 else None
            if found is not None:
                words[str(old)] = found
            report.append(told | {"how": _how(services, same, each), "here": found})
        else:
            name = _free_name(services, each["name"])
            try:
                made, left_out = make(services, each, name)
            except Invalid as error:
                details = {f"templates.{index}.{field}": said for field, said in error.details.items()}
                raise Invalid(details=details) from None
            words[str(old)] = str(made)
            report.append(told | {"how": "made", "here": str(made), "name": name, "left_out": left_out})
    return words, report


def _named_templates(services: Services, graph: Any, triggers: Sequence[Any]) -> set[UUID]:
    return {id for kind, _node, _field, id in named_rows(services, graph, triggers) if kind == "template"}


def _how(services: Services, same: Sequence[UUID], document: Mapping[str, Any]) -> str:
    if len(same) > 1:
        return "ambiguous"
    equal = services.registrations.fact_loaders["template_says_the_same"](services, same[0], document)
    return "mapped" if equal else "mapped_other"


def _free_name(services: Services, name: str) -> str:
    """The name, or with the next free number behind it."""
    tried, number = name, 1
    while named(services, "template", (), [tried]):
        number += 1
        tail = f" ({number})"
        tried = name[: LONGEST_NAME - len(tail)] + tail
    return tried
