"""`autoloop setup` (hidden): what `autoloop up` does in a new database before it serves."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from autoloop.cli.configuration import Configuration, config_option, find
from autoloop.cli.migrate import bring_up_to_date

__all__ = ["command"]


@click.command("setup", hidden=True)
@config_option
@click.option("--result", required=True, type=click.Path(dir_okay=False, path_type=Path))
def command(config: Path | None, result: Path) -> None:
    """Migrate, and write to RESULT where the database is and, while nobody owns the installation, a claim link."""
    configuration = find(config)
    before, after = bring_up_to_date(configuration)
    if before != after:
        click.echo(f"The database went from {before or 'nothing'} to {after}.")
    told = {"revision": after, "claim_link": _claim_link(configuration)}
    handle = os.open(result, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(told, file)


def _claim_link(configuration: Configuration) -> str | None:
    """The one-time link by which the first person becomes owner; None once somebody has."""
    from autoloop.accounts.services import Claims
    from autoloop.base.registrations import Registrations
    from autoloop.base.runtime import Runtime

    # Accounts need no other room, so the application need not be loaded for this.
    runtime = Runtime(configuration.settings, Registrations())
    try:
        with runtime.unit("web") as services:
            link: str | None = services(Claims).open_link(configuration.settings.public_url)
            return link
    finally:
        runtime.dispose()
