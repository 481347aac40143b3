"""`autoloop workflow`: workflows as documents, out of a workspace and into one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autoloop.cli.configuration import config_option, find
from autoloop.cli.simulate import workflow_named
from autoloop.cli.workspaces import enter

if TYPE_CHECKING:
    from autoloop.base.services import Services

__all__ = ["command"]

workspace_option = click.option(
    "-w", "--workspace", metavar="SLUG", help="Of which workspace. May be left out if there is one."
)


@click.group("workflow")
def command() -> None:
    """Take workflows from one place to another, as JSON."""


@command.command("export")
@click.argument("workflow")
@config_option
@workspace_option
def export(workflow: str, config: Path | None, workspace: str | None) -> None:
    """Write the draft of WORKFLOW (a name or id), with the names of what it refers to.

    \b
    Example: autoloop workflow export Welcome > welcome.json
    """

    def written(services: Services) -> Any:
        from autoloop.workflows.services import Workflows

        return services(Workflows).exported(workflow_named(services, workflow))

    click.echo(json.dumps(_in_workspace(config, workspace, written), indent=2, ensure_ascii=False))


@command.command("import")
@click.argument("document", type=click.File("rb"))
@config_option
@workspace_option
@click.option(
    "--templates",
    type=click.Choice(["map", "both", "none"]),
    default="map",
    show_default=True,
    help="A template in it whose name is taken: use the one here, keep both, or make none at all.",
)
def bring_in(document: Any, config: Path | None, workspace: str | None, templates: str) -> None:
    """Make a draft from DOCUMENT (- reads standard input), and say what it names that is not here."""

    def made(services: Services) -> Any:
        from autoloop.base.errors import Invalid
        from autoloop.web.input import parse_json
        from autoloop.workflows.services import Workflows

        try:
            done = services(Workflows).imported(parse_json(document.read()), templates=templates)
        except Invalid as error:
            places = [
                f"{place}: {message}" for place, each in (error.details or {}).items() for message in each
            ]
            raise click.ClickException("\n".join([str(error.message), *places])) from None
        return done.workflow.id, done.workflow.name, done

    id, name, done = _in_workspace(config, workspace, made)
    click.echo(f"“{name}” is imported as a draft: {id}")
    for each in done.templates:
        click.echo(f"Template “{each['name']}”: {each['how'].replace('_', ' ')}")
        for what in each["left_out"]:
            click.echo(f"Did not come along with “{each['name']}”: {what}", err=True)
    for each in done.missing:
        place = " ".join(part for part in (each["node"], each["field"]) if part)
        click.echo(f"Not here: {each['kind']} {each['name'] or each['id']} ({place})", err=True)


def _in_workspace(config: Path | None, workspace: str | None, act: Callable[[Services], Any]) -> Any:
    configuration = find(config)
    with configuration.database():
        runtime = configuration.runtime()
        try:
            with runtime.unit("web") as services:
                enter(services, workspace)
                return act(services)
        finally:
            runtime.dispose()
