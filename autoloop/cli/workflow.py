"""`autoloop workflow`: workflows as documents, out of a workspace and into one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autoloop.cli.configuration import config_option
from autoloop.cli.simulate import workflow_named
from autoloop.cli.workspaces import in_workspace, workspace_option

if TYPE_CHECKING:
    from autoloop.base.errors import AutoLoopError
    from autoloop.base.services import Services

__all__ = ["command"]


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

    click.echo(json.dumps(in_workspace(config, workspace, written), indent=2, ensure_ascii=False))


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
            raise click.ClickException(_said(error)) from None
        return done.workflow.id, done.workflow.name, done

    id, name, done = in_workspace(config, workspace, made)
    click.echo(f"“{name}” is imported as a draft: {id}")
    for each in done.templates:
        click.echo(f"Template “{each['name']}”: {each['how'].replace('_', ' ')}")
        for what in each["left_out"]:
            click.echo(f"Did not come along with “{each['name']}”: {what}", err=True)
    for each in done.missing:
        place = " ".join(part for part in (each["node"], each["field"]) if part)
        click.echo(f"Not here: {each['kind']} {each['name'] or each['id']} ({place})", err=True)


@command.command("test")
@click.argument("workflow")
@click.option(
    "--to", required=True, metavar="ADDRESS", help="A member's address: the test's mail goes there."
)
@click.option("--contact", metavar="CONTACT", help="Play this contact (an address or id).")
@click.option(
    "--invent",
    metavar="JSON",
    help='Play somebody invented: {"contact": {...}, "business": {...}}; what is left out has sample values.',
)
@click.option(
    "--shorten", type=click.IntRange(0, 86_400), default=10, show_default=True, help="Seconds of a wait."
)
@click.option("--version", type=click.IntRange(1), help="This version. Without: the draft.")
@config_option
@workspace_option
def test(
    workflow: str,
    to: str,
    contact: str | None,
    invent: str | None,
    shorten: int,
    version: int | None,
    config: Path | None,
    workspace: str | None,
) -> None:
    """Start a test run of WORKFLOW: real steps and real mail to ADDRESS, waits shortened. It counts nowhere.

    \b
    Example: autoloop workflow test Welcome --to grace@example.org --invent '{"contact": {"first_name": "Ada"}}'
    """
    from autoloop.cli.simulate import contact_named, read_json

    asked: dict[str, Any] = {"to": to, "shorten": shorten, "version": version}
    if invent is not None:
        made = read_json(invent, "--invent")
        if strange := sorted(set(made) - {"contact", "business"}):
            raise click.UsageError(f"--invent holds a contact and a business, and no “{strange[0]}”.")
        asked |= {"invented": True, "contact": made.get("contact"), "business": made.get("business")}

    def begun(services: Services) -> Any:
        from autoloop.base.errors import AutoLoopError
        from autoloop.workflows.services import Testing

        if contact:
            asked["contact_id"] = contact_named(services, contact)
        try:
            return services(Testing).begin(workflow_named(services, workflow), asked).id
        except AutoLoopError as error:
            raise click.ClickException(_said(error)) from None

    click.echo(f"The test run has begun: {in_workspace(config, workspace, begun)}")


def _said(error: AutoLoopError) -> str:
    """An error with its details, a line for each place."""
    places = [f"{place}: {message}" for place, each in error.english_details.items() for message in each]
    return "\n".join([str(error), *places])
