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
    """Migrate, and write a claim link to RESULT while the installation has no owner."""
    configuration = find(config)
    before, after = bring_up_to_date(configuration)
    if before != after:
        click.echo(f"The database went from {before or 'nothing'} to {after}.")
    link = _claim_link(configuration)
    handle = os.open(result, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump({"claim_link": link}, file)


def _claim_link(configuration: Configuration) -> str | None:
    """The one-time link by which the first person becomes owner; None once somebody has."""
    import psycopg

    settings = configuration.settings
    # Asked plainly first: all starts but the first are spared loading the whole application here.
    with psycopg.connect(settings.database_url.replace("+psycopg", "", 1), autocommit=True) as connection:
        row = connection.execute("select exists (select from users)").fetchone()
    if row is not None and row[0]:
        return None
    from autoloop.accounts.services import Claims

    runtime = configuration.runtime()
    try:
        with runtime.unit("web") as services:
            link: str | None = services(Claims).open_link(settings.public_url)
            return link
    finally:
        runtime.dispose()
