"""The top of the command line: which commands there are, and how their failures are told."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from errno import EACCES, EISDIR, ENOENT, ENOSPC, ENOTDIR, EPERM, EROFS
from typing import Any

import click

__all__ = ["EXIT_PROBLEM", "EXIT_SETTINGS", "cli", "main"]

EXIT_PROBLEM = 1
UNDEFINED_TABLE = "42P01"
NO_WAY_IN = frozenset(
    {ENOENT, ENOTDIR, EISDIR, EACCES, EPERM, EROFS, ENOSPC}
)  # of a file or folder that was named
EXIT_SETTINGS = 78  # sysexits.h, EX_CONFIG: starting again will not help

# name: (module under autoloop.cli, one line of help). The help stands here so that listing reads no module.
COMMANDS = {
    "up": ("up", "Start everything on this machine: database, Redis, web, worker, scheduler."),
    "demo": ("demo", "Walk 3,000 contacts through a three-mail workflow, and show it."),
    "serve": ("serve", "Serve the dashboard and the API."),
    "worker": ("worker", "Run workers that do what is due."),
    "scheduler": ("scheduler", "Look for what is due and tell the workers."),
    "migrate": ("migrate", "Bring the database to this version's tables."),
    "user": ("user", "Users of this installation."),
    "key": ("key", "API keys."),
    "import": ("importing", "Import businesses and contacts from a CSV file."),
    "simulate": ("simulate", "Try a workflow on a contact: nothing is sent, nothing is written."),
    "workflow": ("workflow", "Take workflows from one place to another, as JSON."),
    "explain": ("explain", "Why a run went as it did; why a contact is in a workflow, or is not."),
    "plugin": ("plugin", "Plugins: what is installed, what failed to load."),
    "partitions": ("partitions", "The months that journals and events are kept in, and what they take."),
    "doctor": ("doctor", "Check the installation and say what to do for each problem."),
    "setup": ("setup", ""),
}
HIDDEN = frozenset({"setup"})

# Errors that carry a sentence for people: (module, class, exit status). Looked up among loaded modules only.
PLAIN = (
    ("autoloop.settings", "SettingsError", EXIT_SETTINGS),
    ("autoloop.base.errors", "AutoLoopError", EXIT_PROBLEM),
    ("autoloop.base.migrate", "MigrationError", EXIT_PROBLEM),
    ("autoloop.embedded.binaries", "PostgresNotFoundError", EXIT_PROBLEM),
    ("autoloop.embedded.cluster", "PostgresError", EXIT_PROBLEM),
    ("autoloop.embedded.redis", "RedisError", EXIT_PROBLEM),
    ("autoloop.embedded.lock", "AlreadyRunningError", EXIT_PROBLEM),
    ("autoloop.embedded.ports", "PortTakenError", EXIT_PROBLEM),
    ("autoloop.embedded.supervisor", "BootError", EXIT_PROBLEM),
)


class LazyGroup(click.Group):
    """A group whose commands are imported when called, not when listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in COMMANDS if name not in HIDDEN]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"autoloop.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in COMMANDS.items() if name not in HIDDEN])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            ctx.fail(f"There is no command “{args[0]}”." + (f" Did you mean “{near[0]}”?" if near else ""))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            told = _plain(error)
            if told is None:
                raise
            raise told from error


class Told(click.ClickException):
    """A failure told in a sentence, with its exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        # click declares this for a class, but reads it from the error.
        setattr(self, "exit_code", status)  # noqa: B010


def _plain(error: Exception) -> Told | None:
    for module, name, status in PLAIN:
        loaded = sys.modules.get(module)
        if loaded is not None and isinstance(error, getattr(loaded, name)):
            return Told(_with_details(error), status)
    for module in ("sqlalchemy.exc", "psycopg"):
        loaded = sys.modules.get(module)
        if loaded is not None and isinstance(error, loaded.OperationalError):
            return Told(
                f"The database does not answer: {str(getattr(error, 'orig', error)).strip()}", EXIT_PROBLEM
            )
    if isinstance(error, OSError) and error.errno in NO_WAY_IN:
        return Told(f"{error.filename or 'Writing'}: {error.strerror}", EXIT_PROBLEM)
    if getattr(getattr(error, "orig", error), "sqlstate", None) == UNDEFINED_TABLE:
        return Told("The database has not been set up. Run: autoloop migrate", EXIT_PROBLEM)
    return None


def _with_details(error: Exception) -> str:
    details = getattr(error, "details", None) or {}
    lines = [f"\n  {field}: {'; '.join(map(str, said))}" for field, said in details.items()]
    return str(error) + "".join(lines)


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"autoloop {version('autoloop')}")
        ctx.exit()


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
)
def cli() -> None:
    """AutoLoop: email automation and workflows, on your own machine.

    To begin: autoloop up
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    cli(args=list(args) if args is not None else None, prog_name="autoloop")
