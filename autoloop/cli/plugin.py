"""`autoloop plugin`: what is installed, and what failed to load."""

from __future__ import annotations

import json
from pathlib import Path

import click

from autoloop.cli.configuration import config_option, find

__all__ = ["command"]


@click.group("plugin")
def command() -> None:
    """Plugins: what is installed, what failed to load."""


@command.command("list")
@config_option
@click.option("--kind", type=click.Choice(["step", "trigger", "email", "auth", "ai"]), help="Only this kind.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def listing(config: Path | None, kind: str | None, as_json: bool) -> None:
    """Show every installed plugin, its distribution, and why one does not work.

    Exits with 1 if one is broken.
    """
    from autoloop.plugins.registry import Registry
    from autoloop.settings import SettingsError

    try:
        disabled = find(config).settings.plugins_disabled
    except (SettingsError, click.UsageError):
        if config is not None:
            raise
        disabled = ()
    plugins = [each for each in Registry.load(disabled).plugins if kind in (None, each.kind)]
    rows = [
        {
            "kind": each.kind,
            "name": each.name,
            "title": str(getattr(each.cls, "title", "") or ""),
            "distribution": each.distribution,
            "version": each.version,
            "state": "broken" if each.problem else "disabled" if each.disabled else "works",
            "problem": each.problem,
        }
        for each in plugins
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        _show(rows)
    raise SystemExit(1 if any(row["problem"] for row in rows) else 0)


def _show(rows: list[dict[str, str | None]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("Kind", "Name", "Title", "From", ""):
        table.add_column(title)
    for row in rows:
        state = {"works": "[green]works[/]", "disabled": "[yellow]disabled[/]", "broken": "[red]broken[/]"}[
            str(row["state"])
        ]
        origin = f"{row['distribution']} {row['version']}".strip()
        table.add_row(str(row["kind"]), str(row["name"]), escape(str(row["title"])), origin, state)
    console = Console(highlight=False)
    console.print(table)
    for row in rows:
        if row["problem"]:
            console.print(f"[red]✗[/] {row['kind']} {row['name']} {escape(str(row['problem']))}.")
