"""`autoloop user`: people, from the command line."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autoloop.cli.configuration import Configuration, config_option, find
from autoloop.cli.workspaces import enter

if TYPE_CHECKING:
    from autoloop.base.services import Services

__all__ = ["command"]

ROLES = ["viewer", "editor", "admin", "owner"]


@click.group("user")
def command() -> None:
    """Users of this installation."""


@command.command("create")
@click.argument("email")
@config_option
@click.option("--name", default="", help="The person's name. Default: what stands before the @.")
@click.option("--workspace", metavar="NAME", help="Make a workspace of this name, which the person owns.")
@click.option("--member-of", metavar="SLUG", help="Let the person into this workspace.")
@click.option(
    "--role", type=click.Choice(ROLES), default="editor", show_default=True, help="Their role there."
)
@click.option("--admin", is_flag=True, help="Make them an administrator of the installation.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--generate", is_flag=True, help="Make a password and print it.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def create(
    email: str,
    config: Path | None,
    name: str,
    workspace: str | None,
    member_of: str | None,
    role: str,
    admin: bool,
    password_stdin: bool,
    generate: bool,
    as_json: bool,
) -> None:
    """Create an account for EMAIL. Asks for the password unless told where it comes from.

    \b
    Example: autoloop user create ada@example.com --name "Ada" --workspace "Acme" --admin
    """
    if workspace and member_of:
        raise click.UsageError(
            "--workspace makes a new workspace, --member-of names one that exists: give one of them."
        )
    if generate and password_stdin:
        raise click.UsageError("--generate makes a password, --password-stdin reads one: give one of them.")
    configuration = find(config)
    password = _password(password_stdin, generate)
    from autoloop.accounts.services import Users
    from autoloop.workspaces.services import Members, Workspaces

    with _unit(configuration) as services:
        user = services(Users).create(email, name, password, is_admin=admin)
        told = {"id": str(user.id), "email": user.email, "name": user.name, "admin": user.is_admin}
        if workspace:
            told["workspace"] = services(Workspaces).create(workspace, user.id).slug
        if member_of:
            enter(services, member_of)
            services(Members).add_member(user.email, role, by="owner")
            told["workspace"] = member_of
    _tell(told, password if generate else None, as_json=as_json)


@contextmanager
def _unit(configuration: Configuration) -> Iterator[Services]:
    """A unit of work on accounts and workspaces, which need no other room: the application is not loaded."""
    from autoloop.base.registrations import Registrations
    from autoloop.base.runtime import Runtime

    with configuration.database():
        runtime = Runtime(configuration.settings, Registrations())
        try:
            with runtime.unit("web") as services:
                yield services
        finally:
            runtime.dispose()


def _tell(told: dict[str, Any], password: str | None, *, as_json: bool) -> None:
    """Say what was made; the password only if it was made here."""
    if password is not None:
        told["password"] = password
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(
        f"Created {told['email']}"
        + (f" in the workspace {told['workspace']}." if "workspace" in told else ".")
    )
    if password is not None:
        click.echo(f"Password: {password}")


def _password(from_stdin: bool, generate: bool) -> str:
    if generate:
        return secrets.token_urlsafe(15)
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
