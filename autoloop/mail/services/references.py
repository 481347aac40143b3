"""Which of the rows that workflows name by id are there: templates and senders."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from autoloop.base.choices import Choice, rows_to_choose
from autoloop.base.services import Services
from autoloop.mail.models import EmailTemplate, Sender
from autoloop.workspaces.models import Workspace

__all__ = [
    "existing_senders",
    "existing_templates",
    "named_senders",
    "named_templates",
    "paused_senders",
    "senders_to_choose",
    "templates_to_choose",
    "unlocated_senders",
]


def existing_templates(services: Services, ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that are templates of the workspace, archived ones not."""
    return _found(services, EmailTemplate, EmailTemplate.archived_at.is_(None), ids)


def existing_senders(services: Services, ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that are senders of the workspace, archived ones not."""
    return _found(services, Sender, Sender.status != "archived", ids)


def named_templates(
    services: Services, ids: Collection[UUID], names: Collection[str]
) -> list[tuple[UUID, str]]:
    """Templates with one of these ids or names, as (id, name); archived ones not."""
    return _named(
        services, EmailTemplate, EmailTemplate.name, EmailTemplate.archived_at.is_(None), ids, names
    )


def named_senders(
    services: Services, ids: Collection[UUID], names: Collection[str]
) -> list[tuple[UUID, str]]:
    """Senders with one of these ids or addresses, as (id, address); archived ones not."""
    return _named(services, Sender, Sender.address, Sender.status != "archived", ids, names)


def templates_to_choose(services: Services, q: str, keep: Collection[str]) -> list[Choice]:
    """Templates for a form to choose from."""
    there = EmailTemplate.archived_at.is_(None)
    return rows_to_choose(services, EmailTemplate, EmailTemplate.name, q, keep, there=there)


def senders_to_choose(services: Services, q: str, keep: Collection[str]) -> list[Choice]:
    """Senders for a form to choose from."""
    there = Sender.status != "archived"
    return rows_to_choose(services, Sender, Sender.address, q, keep, note=Sender.name, there=there)


def unlocated_senders(services: Services, ids: Collection[UUID | None]) -> set[UUID | None]:
    """Those of the senders whose marketing mail has no postal address; None stands for the default one."""
    workspace = select(Workspace.postal_address).where(Workspace.id == services.workspace_id)
    if services.session.scalar(workspace):
        return set()
    located = select(Sender.id, Sender.is_default).where(
        Sender.workspace_id == services.workspace_id, Sender.postal_address != ""
    )
    known: set[UUID | None] = set()
    for id, is_default in services.session.execute(located):
        known |= {id, None} if is_default else {id}
    return set(ids) - known


def paused_senders(services: Services, ids: Collection[UUID | None]) -> set[UUID | None]:
    """Those of the senders that are paused; None stands for the default one."""
    paused = select(Sender.id, Sender.is_default).where(
        Sender.workspace_id == services.workspace_id, Sender.status == "paused"
    )
    known: set[UUID | None] = set()
    for id, is_default in services.session.execute(paused):
        known |= {id, None} if is_default else {id}
    return set(ids) & known


def _named(
    services: Services, table: Any, name: Any, there: Any, ids: Collection[UUID], names: Collection[str]
) -> list[tuple[UUID, str]]:
    rows = select(table.id, name).where(
        table.workspace_id == services.workspace_id, or_(table.id.in_(ids), name.in_(names)), there
    )
    return [(row[0], row[1]) for row in services.session.execute(rows)]


def _found(services: Services, table: Any, there: Any, ids: Collection[UUID]) -> set[UUID]:
    rows = select(table.id).where(table.workspace_id == services.workspace_id, table.id.in_(ids), there)
    return set(services.session.scalars(rows))
