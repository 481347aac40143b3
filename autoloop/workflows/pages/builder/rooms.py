"""What a form in the builder knows of its workflow: names for expressions, steps that send mail, ports."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
from pyramid.request import Request

from autoloop.base.i18n import _
from autoloop.businesses.services import Fields
from autoloop.engine.graph import Graph, parse
from autoloop.plugins.forms import read_config
from autoloop.plugins.registry import Registry
from autoloop.plugins.steps import Step
from autoloop.web.tree import Node as Place

__all__ = ["in_order", "mark_of", "ports_of", "room_of"]

CONTACT = ("first_name", "last_name", "name", "email", "title", "phone", "locale", "timezone", "tags")
BUSINESS = ("name", "domain", "website", "phone", "city", "country", "timezone")
RUN = ("run.id", "run.workflow_id", "now")
EVENT = ("event.name", "event.data")


def mark_of(value: Any) -> str:
    """A mark of what a form was drawn from: a form that comes back with another is of something else by now."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:20]


def room_of(request: Request, workflow: Place, graph: Any) -> dict[str, Any]:
    """The `room` of a form: see web.widgets.Form."""
    plugins: Registry = request.registrations.plugins
    custom = list(request.services(Fields).titles())
    parsed, _problems = parse(graph)
    variables, outputs = _set_by(parsed, plugins)
    names = [
        (
            _("Contact"),
            [f"contact.{name}" for name in CONTACT]
            + [f"contact.{key}" for key in custom if key.startswith("fields.")],
        ),
        (
            _("Business"),
            [f"business.{name}" for name in BUSINESS]
            + [key for key in custom if key.startswith("business.")],
        ),
        (_("What started the run"), list(EVENT)),
        (_("Variables"), variables),
        (_("What earlier steps gave"), outputs),
        (_("Run"), list(RUN)),
    ]
    return {
        "names": [(title, entries) for title, entries in names if entries],
        "paths": [*EVENT[:1], *variables, *outputs],
        "mails": [(node.id, node.id) for node in parsed.nodes.values() if node.type == "send_email"],
        "choices_url": request.resource_url(workflow, "choices"),
    }


def _set_by(graph: Graph, plugins: Registry) -> tuple[list[str], list[str]]:
    variables, outputs = [], []
    for node in graph.nodes.values():
        step = plugins.step(node.type)
        given = node.config.get("set")
        if node.type == "set_variables" and isinstance(given, list):
            variables += [f"variables.{each.get('name')}" for each in given if isinstance(each, Mapping)]
        if step is not None and step.loops:
            variables += ["variables.item", "variables.index"]
        if step is not None:
            outputs += [f"outputs.{node.id}.{name}" for name in step.gives]
    return list(dict.fromkeys(variables)), outputs


def ports_of(step: Step | None, config: Mapping[str, Any], version: int | None = None) -> tuple[str, ...]:
    """The ports with these settings; as far as the step can say while they are unfinished."""
    if step is None:
        return ()
    ways: tuple[Callable[[], Any], ...] = (
        lambda: read_config(step, config, version),
        lambda: dict(config),
        dict,
    )
    for given in ways:
        try:
            return tuple(step.ports(given()))
        except Exception:  # noqa: S112 - half-finished settings, or a plugin of any quality
            continue
    return ("next",)


def in_order(graph: Graph) -> list[str]:
    """The nodes as a run comes to them, then those that none comes to."""
    ways: dict[str, list[str]] = {}
    for edge in graph.edges:
        ways.setdefault(edge.source, []).append(edge.target)
    seen: dict[str, None] = {}

    def walk(first: str) -> Iterator[str]:
        left = [first]
        while left:
            id = left.pop()
            if id not in seen:
                seen[id] = None
                yield id
                left += reversed(ways.get(id, []))

    found: list[str] = []
    for first in (*([graph.start] if graph.start else []), *graph.roots, *graph.nodes):
        found += walk(first)
    return found
