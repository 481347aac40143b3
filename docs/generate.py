"""Write the reference pages that follow from the code: settings, steps, triggers, providers, the command line.

Usage: python docs/generate.py [--check]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from inspect import cleandoc
from pathlib import Path
from typing import Any

import click

from autoloop.cli.group import cli
from autoloop.plugins.forms import json_schema, schema_of
from autoloop.plugins.registry import Registry
from autoloop.settings import ENVIRONMENT, PREFIX, Settings

HERE = Path(__file__).parent / "reference"
MADE = "<!-- Written by `make docs`; change the code instead. -->"
OWN = "autoloop"


def settings_page() -> Iterator[str]:
    yield "# Settings"
    yield (
        "Each can stand in the INI file's `[app:main]` section or in the environment, which wins. "
        "An unknown or missing key stops the start with a sentence that names it."
    )
    rows = []
    for each in fields(Settings):
        default = each.default
        shown = "**required**" if default is MISSING else _value(default)
        secret = " *(secret)*" if each.metadata["secret"] else ""
        names = (f"`{PREFIX}{each.name}`", f"`{ENVIRONMENT}{each.name.upper()}`")
        rows.append((*names, shown, each.metadata["help"] + secret))
    yield _table(("INI key", "environment", "default", "meaning"), rows)


def steps_page() -> Iterator[str]:
    yield "# Steps"
    yield (
        "The step types that come with AutoLoop. Plugins add theirs: [write a step](../how-to/write-a-step.md). "
        "Whoever is done with a step leaves it by `next` where no other exit is named here. Every step also has "
        "`error`, taken when it fails and something is tied to it; else the run fails."
    )
    registry = Registry.load()
    for plugin in sorted(registry.of("step"), key=lambda each: each.name):
        if plugin.distribution == OWN:
            yield from _plugin(plugin.name, registry.steps[plugin.name])


def triggers_page() -> Iterator[str]:
    yield "# Triggers"
    yield "What starts runs of a workflow. A workflow may have several."
    registry = Registry.load()
    for plugin in sorted(registry.of("trigger"), key=lambda each: each.name):
        if plugin.distribution == OWN:
            yield from _plugin(plugin.name, registry.triggers[plugin.name])


def providers_page() -> Iterator[str]:
    yield "# E-mail providers"
    yield "Ways out for mail, as they come with AutoLoop. A workspace makes accounts with them under Settings, Sending."
    for plugin in sorted(Registry.load().of("email"), key=lambda each: each.name):
        if plugin.distribution == OWN:
            yield from _plugin(plugin.name, plugin.cls)


def commands_page() -> Iterator[str]:
    yield "# Commands"
    yield (
        "Exit status: 0 all went well, 1 it did not, 2 the command was misspelt, 78 the settings do not allow a start."
    )
    top = click.Context(cli, info_name="autoloop", max_content_width=100, terminal_width=100)
    for name in cli.list_commands(top):
        try:
            command = cli.get_command(top, name)
        except ModuleNotFoundError:
            continue
        if command is not None:
            yield from _command(command, click.Context(command, parent=top, info_name=name))


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## {context.command_path}"
    yield f"```text\n{command.get_help(context)}\n```"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _command(below, click.Context(below, parent=context, info_name=name))


def _plugin(name: str, plugin: Any) -> Iterator[str]:
    yield f"## {plugin.title} (`{name}`)"
    yield cleandoc(plugin.__doc__ or type(plugin).__doc__ or "")
    rows = list(_settings(json_schema(schema_of(plugin))))
    if rows:
        yield _table(("setting", "type", "default", "meaning"), rows)


def _settings(form: Mapping[str, Any], inside: str = "") -> Iterator[tuple[str, ...]]:
    """A row for each setting, and for those inside of it: `timeout.amount`, `arms[].name`."""
    for field, shape in form["properties"].items():
        yield (
            f"`{inside}{field}`",
            _kind(shape),
            "**required**" if field in form["required"] else _value(shape.get("default")),
            " — ".join(filter(None, [shape.get("title", ""), shape.get("description", "")])),
        )
        listed = shape.get("items") or {}
        if "properties" in shape:
            yield from _settings(shape, f"{inside}{field}.")
        elif "properties" in listed:
            yield from _settings(listed, f"{inside}{field}[].")


def _kind(shape: Mapping[str, Any]) -> str:
    if "enum" in shape:
        return ", ".join(f"`{each}`" for each in shape["enum"])
    limits = [str(shape[name]) for name in ("minimum", "maximum") if name in shape]
    kind = shape.get("type", "any")
    kind = " or ".join(kind) if isinstance(kind, list) else kind
    of = f" of {_kind(shape['items'])}" if "items" in shape else ""
    return f"{kind}{of}" + (f" {' to '.join(limits)}" if len(limits) == 2 else "")


def _value(value: Any) -> str:
    if value is None or value in ("", ()):
        return "—"
    if isinstance(value, tuple) and all(isinstance(each, str) for each in value):
        return " ".join(value)
    return value if isinstance(value, str) else f"`{json.dumps(value)}`"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


PAGES = {
    "settings.md": settings_page,
    "steps.md": steps_page,
    "triggers.md": triggers_page,
    "providers.md": providers_page,
    "commands.md": commands_page,
}


def stale(*, write: bool) -> list[str]:
    """The pages that are not as the code says; written anew if wanted."""
    HERE.mkdir(exist_ok=True)
    found = []
    for name, make in PAGES.items():
        path, text = HERE / name, "\n\n".join([MADE, *make()]) + "\n"
        if not path.exists() or path.read_text() != text:
            found.append(name)
            if write:
                path.write_text(text)
    return found


def main() -> int:
    check = "--check" in sys.argv
    found = stale(write=not check)
    if check and found:
        print(f"Out of date: {', '.join(found)}. Run: make docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
