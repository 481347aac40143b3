"""Steps and triggers of this installation, as the builder lists them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autoloop.plugins.forms import json_schema, read_config, schema_of
from autoloop.plugins.registry import Plugin, Registry
from autoloop.plugins.steps import ActionStep, Step
from autoloop.workflows.picture.boxes import family_of

__all__ = ["step_types", "trigger_types"]


def step_types(plugins: Registry) -> Iterator[dict[str, Any]]:
    """Each step that works, with its form and the ports it has by default."""
    for plugin in sorted(plugins.of("step"), key=lambda each: each.name):
        step = plugins.steps[plugin.name]
        yield _described(plugin, step) | {
            "family": family_of(plugin, step),
            "ports": list(_ports(step)),
            "kind": "action" if isinstance(step, ActionStep) else "decision",
            "suspends": step.suspends,
        }


def trigger_types(plugins: Registry) -> Iterator[dict[str, Any]]:
    for plugin in sorted(plugins.of("trigger"), key=lambda each: each.name):
        yield _described(plugin, plugins.triggers[plugin.name])


def _described(plugin: Plugin, made: Any) -> dict[str, Any]:
    description = made.description()
    return {
        "name": made.name,
        "title": made.title,
        "hint": description.partition("\n")[0],
        "description": description,
        "category": made.category,
        "icon": made.icon,
        "config_version": made.config_version,
        "distribution": plugin.distribution,
        "form": json_schema(schema_of(made)),
    }


def _ports(step: Step) -> tuple[str, ...]:
    """With default settings, else as far as the step can say without any."""
    try:
        return step.ports(read_config(step, {}))
    except Exception:  # settings are missing, or a plugin fails
        try:
            return step.ports({})
        except Exception:
            return ("next",)
