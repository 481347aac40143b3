"""`autoloop key`: API keys, from the command line."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autoloop.cli.configuration import config_option
from autoloop.cli.workspaces import in_workspace, workspace_option

if TYPE_CHECKING:
    from autoloop.base.services import Services

__all__ = ["command"]


@click.group("key")
def command() -> None:
    """API keys: for programs that use the API as one of its members."""


@command.command("create")
@click.argument("email")
@config_option
@workspace_option
@click.option("--scope", type=click.Choice(["read", "write"]), default="write", show_default=True)
@click.option("--name", default="made on the command line", show_default=True, help="What it is for.")
@click.option("--days", type=click.IntRange(1, 3650), help="Let it expire after so many days.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def create(
    email: str,
    config: Path | None,
    workspace: str | None,
    scope: str,
    name: str,
    days: int | None,
    as_json: bool,
) -> None:
    """Make an API key that acts for the member EMAIL, and print it: this once, it is kept hashed.

    \b
    Example: KEY=$(autoloop key create ada@example.com -w acme)
    """
    from autoloop.accounts.services import Users
    from autoloop.workspaces.keys import create_key
    from autoloop.workspaces.services import Members

    def made(services: Services) -> tuple[str, str]:
        user = services(Users).by_email(email)
        if user is None:
            raise click.UsageError(f"There is nobody with the address {email}.")
        if services(Members).find(user.id) is None:
            raise click.UsageError(f"{email} is not a member of that workspace.")
        services.user_id = user.id
        ends = services.clock.now() + timedelta(days=days) if days else None
        row, key = create_key(services, name, [scope], ends)
        return row.prefix, key

    prefix, key = in_workspace(config, workspace, made)
    click.echo(json.dumps({"key": key, "prefix": prefix, "scope": scope}) if as_json else key)
