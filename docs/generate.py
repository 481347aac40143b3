"""Write the reference pages that follow from the code: settings and plugins.

Usage: python docs/generate.py [--check]
"""

from __future__ import annotations

import sys
from dataclasses import MISSING, fields
from pathlib import Path

from autoloop.plugins import forms
from autoloop.plugins.registry import Registry
from autoloop.settings import ENVIRONMENT, PREFIX, Settings

HERE = Path(__file__).parent / "reference"


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        "Each can stand in the INI file's `[app:main]` section or in the environment, which wins.",
        "An unknown or missing key stops the start with a sentence that names it.",
        "",
        "| INI key | environment | default | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for each in fields(Settings):
        default = each.default
        shown = (
            "**required**"
            if default is MISSING
            else " ".join(default)
            if isinstance(default, tuple)
            else str(default)
        )
        secret = " *(secret)*" if each.metadata["secret"] else ""
        name = f"`{PREFIX}{each.name}` | `{ENVIRONMENT}{each.name.upper()}`"
        lines.append(f"| {name} | {shown or '—'} | {each.metadata['help']}{secret} |")
    return "\n".join(lines) + "\n"


def steps_page() -> str:
    lines = ["# Steps", "", "The step types that come with AutoLoop. Plugins add theirs.", ""]
    registry = Registry.load()
    for name in sorted(registry.steps):
        step = registry.steps[name]
        lines += [f"## {step.title} (`{name}`)", "", " ".join((step.__doc__ or "").split()), ""]
        schema = forms.json_schema(step.Config())
        rows = schema.get("properties", {})
        if rows:
            lines += ["| setting | type | default | meaning |", "| --- | --- | --- | --- |"]
        for field, shape in rows.items():
            needed = "**required**" if field in schema["required"] else f"`{shape.get('default', '')}`"
            meaning = " — ".join(filter(None, [shape.get("title", ""), shape.get("description", "")]))
            lines.append(f"| `{field}` | {shape.get('type', 'any')} | {needed} | {meaning} |")
        lines.append("")
    return "\n".join(lines)


PAGES = {"settings.md": settings_page, "steps.md": steps_page}


def main() -> int:
    stale = []
    for name, make in PAGES.items():
        path, text = HERE / name, make()
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text)
    if "--check" in sys.argv and stale:
        print(f"Out of date: {', '.join(stale)}. Run: python docs/generate.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
