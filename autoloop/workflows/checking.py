"""What would stop a draft from being published: the graph's own problems, and what only this room knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import colander

from autoloop.base.ids import parse_id
from autoloop.base.services import Services
from autoloop.engine.graph import Graph, Problem, examine, parse
from autoloop.plugins.forms import ConfigProblems, read_config, schema_of
from autoloop.plugins.registry import Registry
from autoloop.workflows.fields import unknown_fields
from autoloop.workflows.held_mail import held_mail
from autoloop.workflows.topics import unknown_topics

__all__ = ["CHOICES", "check_draft", "check_triggers", "examine_draft", "named_rows", "references"]

# What a step's form lets one choose → how it is called. A domain that has such rows registers a fact
# loader "<widget>_exists"(services, ids) → the set of those that are there; without it nothing is asked.
CHOICES = {
    "template": "template",
    "sender": "sender",
    "credential": "credential",
    "segment": "segment",
    "workflow": "workflow",
    "form": "form",
    "hook": "webhook",
}


def check_draft(services: Services, graph: Any, triggers: Sequence[Any]) -> list[Problem]:
    """What stops it from being published, each with a code, a message and its place."""
    return [each for each in examine_draft(services, graph, triggers) if each.severity == "error"]


def examine_draft(services: Services, graph: Any, triggers: Sequence[Any]) -> list[Problem]:
    """All that `check_draft` finds, and warnings: what may be meant so, but often is not.

    Reads the ids of templates and senders, and the custom fields, with one statement per kind.
    """
    plugins: Registry = services.registrations.plugins
    problems = examine(graph, plugins)
    if not any(problem.code == "TOO_MANY" for problem in problems):
        problems += unknown_fields(services, graph)
        problems += unknown_topics(services, graph)
        problems += held_mail(services, graph)
    problems += check_triggers(triggers, plugins)
    problems += [
        Problem("MISSING_SEGMENT", "This is no id of a segment.", field=place)
        for place, value in _left_segments(parse(graph)[0])
        if parse_id(value) is None
    ]
    wanted = named_rows(services, graph, triggers)
    for widget, word in CHOICES.items():
        exists = services.registrations.fact_loaders.get(f"{widget}_exists")
        asked = {id for kind, _, _, id in wanted if kind == widget}
        if exists is None or not asked:
            continue
        missing = asked - set(exists(services, asked))
        problems += [
            Problem(f"MISSING_{widget.upper()}", f"There is no {word} with this id any more.", node, place)
            for kind, node, place, id in wanted
            if kind == widget and id in missing
        ]
    return problems


def named_rows(
    services: Services, graph: Any, triggers: Sequence[Any]
) -> list[tuple[str, str | None, str, UUID]]:
    """Rows that the settings of steps and triggers name, as (widget, node, field, id)."""
    plugins: Registry = services.registrations.plugins
    return [*references(graph, plugins), *_of_triggers(triggers, plugins)]


def check_triggers(triggers: Sequence[Any], plugins: Registry) -> Iterator[Problem]:
    """Problems of the triggers, as they are found; the field is `triggers.{index}`…"""
    if len(triggers) > 20:
        yield Problem("TOO_MANY", "A workflow has at most 20 triggers.", field="triggers")
        return
    for index, given in enumerate(triggers):
        place = f"triggers.{index}"
        if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
            yield Problem("SHAPE", "A trigger is an object with a type and a config.", field=place)
            continue
        trigger = plugins.trigger(given["type"])
        if trigger is None:
            name = given["type"][:64]
            message = f"There is no trigger “{name}” here; its plugin is missing or switched off."
            yield Problem("UNKNOWN_TRIGGER", message, field=f"{place}.type")
            continue
        try:
            trigger.event_name(read_config(trigger, given.get("config") or {}, given.get("config_version")))
        except ConfigProblems as error:
            for field, message in error.problems.items():
                yield Problem("CONFIG", message, field=f"{place}.config.{field}".rstrip("."))
        except Exception as error:  # a plugin may fail in any way
            message = f"The trigger “{trigger.name}” failed: {type(error).__name__}: {error}"
            yield Problem("PLUGIN", message, field=place)


def references(graph: Any, plugins: Registry) -> Iterable[tuple[str, str | None, str, UUID]]:
    """Rows that a graph's settings name, as (widget, node, field, id); the node is None for the rules of the
    workflow. Texts that are no ids are left out."""
    parsed, _ = parse(graph)
    for place, value in _left_segments(parsed):
        id = parse_id(value)
        if id is not None:
            yield "segment", None, place, id
    for node in parsed.nodes.values():
        step = plugins.step(node.type)
        if step is None:
            continue
        for widget, place, value in _chosen(schema_of(step), node.config, "config"):
            try:
                yield widget, node.id, place, UUID(value)
            except ValueError:
                continue


def _left_segments(parsed: Graph) -> Iterator[tuple[str, str]]:
    """Segments whose leaving ends a run, as (field, text)."""
    rules = parsed.settings.get("exit_rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        if isinstance(rule, Mapping) and isinstance(rule.get("left_segment"), str):
            yield f"settings.exit_rules.{index}.left_segment", rule["left_segment"]


def _of_triggers(triggers: Sequence[Any], plugins: Registry) -> Iterator[tuple[str, None, str, UUID]]:
    for index, given in enumerate(triggers):
        trigger = plugins.trigger(str(given.get("type"))) if isinstance(given, Mapping) else None
        if trigger is None:
            continue
        for widget, place, value in _chosen(
            schema_of(trigger), given.get("config"), f"triggers.{index}.config"
        ):
            try:
                yield widget, None, place, UUID(value)
            except ValueError:
                continue


def _chosen(schema: colander.SchemaNode, value: Any, place: str) -> Iterator[tuple[str, str, str]]:
    widget = (getattr(schema, "ui", None) or {}).get("widget")
    if widget in CHOICES and isinstance(value, str):
        yield widget, place, value
    elif isinstance(schema.typ, colander.Mapping) and isinstance(value, Mapping):
        for child in schema.children:
            yield from _chosen(child, value.get(child.name), f"{place}.{child.name}")
    elif isinstance(schema.typ, colander.Sequence) and isinstance(value, list):
        for index, each in enumerate(value):
            yield from _chosen(schema.children[0], each, f"{place}.{index}")
