"""Which workspace a command works in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import click

from autoloop.cli.configuration import find

if TYPE_CHECKING:
    from autoloop.base.services import Services

__all__ = ["enter", "in_workspace", "workspace_option"]

Found = TypeVar("Found")

workspace_option = click.option(
    "-w", "--workspace", metavar="SLUG", help="Of which workspace. May be left out if there is one."
)


def in_workspace(config: Path | None, slug: str | None, act: Callable[[Services], Found]) -> Found:
    """What `act` returns, in a unit of work of the web role inside the workspace. Raises click.UsageError."""
    configuration = find(config)
    with configuration.database():
        runtime = configuration.runtime()
        try:
            with runtime.unit("web") as services:
                enter(services, slug)
                return act(services)
        finally:
            runtime.dispose()


def enter(services: Services, slug: str | None) -> UUID:
    """Enter the workspace of `slug`, or the only one there is. Raises click.UsageError naming the choices."""
    from sqlalchemy import select

    from autoloop.workspaces.models import Workspace, WorkspaceSlug

    rows = services.session.execute(
        select(Workspace.id, Workspace.slug)
        .where(Workspace.is_system.is_(False))
        .order_by(Workspace.slug)
        .limit(50)
    ).all()
    known = {row.slug: row.id for row in rows}
    if slug is None:
        if len(known) != 1:
            said = (
                f"Name one with --workspace: {', '.join(known)}."
                if known
                else "Make one: autoloop user create --workspace …"
            )
            raise click.UsageError(
                f"There {'are several workspaces' if known else 'is no workspace'}. {said}"
            )
        found: UUID | None = next(iter(known.values()))
    else:
        current = select(Workspace.id).where(Workspace.slug == slug, Workspace.is_system.is_(False))
        former = select(WorkspaceSlug.workspace_id).where(WorkspaceSlug.slug == slug)
        found = services.session.scalar(current) or services.session.scalar(former)
    if found is None:
        raise click.UsageError(f"There is no workspace “{slug}”. There are: {', '.join(known) or 'none'}.")
    services.enter(found)
    return found
