"""`autoloop migrate`: the database's tables and roles."""

from __future__ import annotations

import json
from pathlib import Path

import click

from autoloop.cli.configuration import Configuration, config_option, find

__all__ = ["bring_up_to_date", "command"]


@click.command("migrate")
@config_option
@click.option("--revision", default="head", show_default=True, help="Where to go.")
@click.option(
    "--check",
    is_flag=True,
    help="Change nothing; exit with 1 if the database is not at this version's tables.",
)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def command(config: Path | None, revision: str, check: bool, as_json: bool) -> None:
    """Bring the database to this version's tables, and make the serving roles where the owner may.

    Reads autoloop.database_owner_url. Several at once wait for each other; a failed one changes nothing.
    """
    configuration = find(config)
    with configuration.database():
        before: str | None
        after: str | None
        if check:
            before, after = _where(configuration)
            done = before == after
        else:
            before, after = bring_up_to_date(configuration, revision)
            done = True
    if as_json:
        click.echo(json.dumps({"before": before, "after": after, "up_to_date": done}))
    elif check and not done:
        click.echo(
            f"The database is at {before or 'nothing'}; this version needs {after}. Run `autoloop migrate`."
        )
    elif before == after:
        click.echo(f"The database is up to date ({after}).")
    else:
        click.echo(f"The database went from {before or 'nothing'} to {after}.")
    raise SystemExit(0 if done else 1)


def bring_up_to_date(configuration: Configuration, revision: str = "head") -> tuple[str | None, str | None]:
    """Migrate; returns the revisions before and after. Raises MigrationError."""
    from autoloop.base.migrate import migrate

    settings = configuration.settings
    if not settings.database_owner_url:
        raise click.UsageError(
            "Migrating needs autoloop.database_owner_url (AUTOLOOP_DATABASE_OWNER_URL): PostgreSQL as autoloop_owner."
        )
    return migrate(
        settings.database_owner_url, settings.database_url, settings.database_worker_url, revision=revision
    )


def _where(configuration: Configuration) -> tuple[str | None, str]:
    from sqlalchemy import create_engine, pool

    from autoloop.base.migrate import current, head

    url = configuration.settings.database_owner_url or configuration.settings.database_url
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        return current(connection), head()
