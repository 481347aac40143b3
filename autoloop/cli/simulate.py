"""`autoloop simulate`: try a workflow on a contact, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autoloop.cli.configuration import config_option
from autoloop.cli.workspaces import in_workspace, workspace_option

if TYPE_CHECKING:
    from autoloop.base.services import Services

__all__ = ["command"]


@click.command("simulate")
@click.argument("workflow")
@click.argument("contact", required=False)
@config_option
@workspace_option
@click.option("--version", type=click.IntRange(1), help="This version. Without: the draft.")
@click.option("--event", metavar="NAME", help="The event that starts it, like order.paid.")
@click.option("--data", default="{}", help="The data of that event, as JSON.")
@click.option("--fate", type=click.Choice(["sent", "failed", "skipped", "unknown"]), help="Of every email.")
@click.option(
    "--scenario",
    type=click.File("rb"),
    help="Everything as JSON, as the API takes it: contact, outcomes, events … (- reads standard input).",
)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def command(
    workflow: str,
    contact: str | None,
    config: Path | None,
    workspace: str | None,
    version: int | None,
    event: str | None,
    data: str,
    fate: str | None,
    scenario: Any,
    as_json: bool,
) -> None:
    """Walk CONTACT (an address or id) through WORKFLOW (a name or id), with a clock that jumps over waits.

    Nothing is sent and nothing is written. Without CONTACT, an invented one walks: --scenario may describe it.

    \b
    Example: autoloop simulate "Welcome" ada@example.com --fate sent
    """
    asked = read_json(scenario.read() if scenario else "{}", "--scenario")
    if version:
        asked["version"] = version
    if event:
        asked["event"] = {"name": event, "data": read_json(data, "--data")}
    if fate:
        asked["default"] = {**(asked.get("default") or {}), "fate": fate}
    found = _run(config, workspace, workflow, contact, asked)
    click.echo(json.dumps(found, default=str) if as_json else _shown(found))


def read_json(text: str | bytes, option: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"{option} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.UsageError(f"{option} must be a JSON object.")
    return found


def _run(
    config: Path | None, workspace: str | None, workflow: str, contact: str | None, asked: dict[str, Any]
) -> dict[str, Any]:
    def walked(services: Services) -> dict[str, Any]:
        from autoloop.engine.explain import translated
        from autoloop.engine.simulate.schemas import Asked
        from autoloop.web.input import checked
        from autoloop.workflows.services.simulating import Simulating

        if contact:
            asked["contact_id"] = str(contact_named(services, contact))
        found = services(Simulating).run(workflow_named(services, workflow), checked(Asked(), asked))
        told: dict[str, Any] = translated(found)
        return told

    return in_workspace(config, workspace, walked)


def workflow_named(services: Services, given: str) -> Any:
    """A workflow's id, by id or name. Raises click.UsageError."""
    from sqlalchemy import select

    from autoloop.base.ids import parse_id
    from autoloop.engine.models import Workflow

    key = parse_id(given)
    query = select(Workflow.id).where(Workflow.workspace_id == services.workspace_id)
    query = query.where(Workflow.id == key) if key else query.where(Workflow.name == given)
    found = services.session.scalars(query.limit(2)).all()
    if len(found) != 1:
        raise click.UsageError(
            f"There are several workflows “{given}”: give the id."
            if found
            else f"There is no workflow “{given}”."
        )
    return found[0]


def contact_named(services: Services, given: str) -> Any:
    """A contact's id, by id or address. Raises click.UsageError."""
    from sqlalchemy import select

    from autoloop.base.ids import parse_id
    from autoloop.businesses.models import Contact

    key = parse_id(given)
    query = select(Contact.id).where(Contact.workspace_id == services.workspace_id)
    query = query.where(Contact.id == key) if key else query.where(Contact.email_normal == given.lower())
    found = services.session.scalars(query.limit(1)).first()
    if found is None:
        raise click.UsageError(f"There is no contact “{given}”.")
    return found


def _shown(found: dict[str, Any]) -> str:
    from autoloop.engine.explain.telling import moment, reasons, translated

    lines = []
    for step in found["steps"]:
        left = step["port"] or step["outcome"]
        lines.append(f"{moment(step['entered_at'])}  {step['title']} ({step['node']}) → {left}")
        wait = step["wait"]
        if wait and wait["kind"] in ("timer", "event"):
            until = f" until {moment(wait['until'])}" if wait["until"] else ""
            lines.append(f"    waits for {wait['for']}{until}")
        lines += [f"    {reason}" for reason in translated(reasons(step["why"]))]
        if step["mail"]:
            lines.append(f"    subject: {step['mail'].get('subject') or '-'}")
            if step["mail"].get("barred"):
                lines.append(f"    would not go: {step['mail']['barred']}")
            for hold in step["mail"].get("holds") or ():
                until = f" until {moment(hold['until'])}" if hold["until"] else ""
                lines.append(f"    would wait: {hold['why']}{until}")
    end = found["end"]
    said = ": ".join(part for part in (end["status"], end["reason"] or end["note"]) if part)
    return "\n".join([*lines, f"{moment(end['at'])}  {said}"])
