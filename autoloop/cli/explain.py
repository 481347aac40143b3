"""`autoloop explain`: why a run or a contact is where it is, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autoloop.cli.configuration import config_option
from autoloop.cli.simulate import contact_named, workflow_named
from autoloop.cli.workspaces import in_workspace, workspace_option

if TYPE_CHECKING:
    from autoloop.base.services import Services

__all__ = ["command"]

json_option = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")


@click.group("explain")
def command() -> None:
    """Why a run went as it did; why a contact is in a workflow, or is not."""


@command.command("run")
@click.argument("run")
@config_option
@workspace_option
@json_option
def explain_run(run: str, config: Path | None, workspace: str | None, as_json: bool) -> None:
    """Say why the RUN (its id) began, what each step decided, what it waits for, why it ended."""

    def story(services: Services) -> Any:
        from autoloop.base.ids import parse_id
        from autoloop.engine.explain import RunStory

        key = parse_id(run)
        found = services(RunStory).find(key) if key else None
        if found is None:
            raise click.UsageError(f"There is no run “{run}”.")
        return found

    told = _told(config, workspace, story)
    click.echo(json.dumps(told, default=str) if as_json else "\n".join(told["sentences"]))


@command.command("contact")
@click.argument("contact")
@config_option
@workspace_option
@click.option("--workflow", help="Only this workflow: its name or id.")
@json_option
def explain_contact(
    contact: str, config: Path | None, workspace: str | None, workflow: str | None, as_json: bool
) -> None:
    """Say for each workflow whether the CONTACT (an address or id) is in it, was, or why not."""

    def story(services: Services) -> Any:
        from autoloop.engine.explain import ContactStory

        key = workflow_named(services, workflow) if workflow else None
        return services(ContactStory).of(contact_named(services, contact), key)

    told = _told(config, workspace, story)
    if as_json:
        click.echo(json.dumps(told, default=str))
        return
    for each in told["workflows"]:
        click.echo(f"{each['name']}: {each['sentence']}")
        for why in each["because"] if each["state"] != "never" else ():
            click.echo(f"    {why}")
    for each in told["mail"]:
        click.echo(each["sentence"])


def _told(config: Path | None, workspace: str | None, story: Callable[[Services], Any]) -> Any:
    from autoloop.engine.explain import translated

    return in_workspace(config, workspace, lambda services: translated(story(services)))
