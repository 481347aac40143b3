"""Which workspace a command works in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import click

if TYPE_CHECKING:
    from autoloop.base.services import Services

__all__ = ["enter"]


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
