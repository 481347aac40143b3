"""`autoloop doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from autoloop.cli.configuration import config_option, find

__all__ = ["command"]

_SIGNS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "problem": "[red]✗[/]"}


@click.command("doctor")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def command(config: Path | None, as_json: bool) -> None:
    """Check database, roles, tables, Redis, broker, scheduler, plugins, disk and clock.

    Says what to do for each problem. Exits with 1 if there is one; warnings alone exit with 0.
    """
    from autoloop.cli.checks import examine

    findings = examine(find(config))
    if as_json:
        click.echo(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        from rich.console import Console
        from rich.markup import escape

        console = Console(highlight=False)
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            console.print(
                f"{_SIGNS[finding.state]} {finding.name:<{width}}  {escape(finding.found)}", soft_wrap=True
            )
            if finding.advice:
                console.print(f"  {'':<{width}}  → {escape(finding.advice)}", soft_wrap=True)
    raise SystemExit(1 if any(finding.state == "problem" for finding in findings) else 0)
