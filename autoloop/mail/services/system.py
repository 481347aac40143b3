"""Mail of the installation itself: invitations, new passwords. It belongs to the workspace `system`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from autoloop.base.errors import AutoLoopError
from autoloop.base.ids import new_id
from autoloop.base.services import Services
from autoloop.mail.addresses import checked_address
from autoloop.mail.models import Email, Kind, Sender
from autoloop.mail.services.system_way import keep, way_of
from autoloop.workspaces.models import Workspace

__all__ = ["send_system_mail", "system_mail_leaves"]

log = logging.getLogger(__name__)


def send_system_mail(
    services: Services, *, purpose: str, key: str, to: str, subject: str, body: str, html: str | None = None
) -> UUID | None:
    """Queue one system mail in the caller's transaction; a second one of this purpose and key is dropped.

    Returns the email's id. Leaves the unit of work in the workspace it was in.
    """
    with _inside(services) as system:
        row = {
            "workspace_id": system,
            "id": new_id(),
            "send_key": f"system:{purpose}:{key}",
            "kind": Kind.SYSTEM.value,
            "sender_id": _sender(services, system),
            "to_address": checked_address(to),
            "content": {"subject": subject, "text": body, "html": html},
            "priority": 10,
            "due_at": services.session.execute(text("select now()")).scalar_one(),
        }
        statement = (
            insert(Email).values(row).on_conflict_do_nothing(index_elements=["workspace_id", "send_key"])
        )
        made: UUID | None = services.session.scalar(statement.returning(Email.id))
        services.session.flush()
    services.nudge("mail")
    return made


def system_mail_leaves(services: Services) -> bool:
    """Is there a way out for system mail besides the local mailbox?"""
    return bool(services.settings.system_mail)


@contextmanager
def _inside(services: Services) -> Iterator[UUID]:
    """In the workspace of system mail; then back in the one it was."""
    before = services._workspace_id
    system = services.session.scalars(select(Workspace.id).where(Workspace.is_system)).one()
    services.enter(system)
    try:
        yield system
    finally:
        services.enter(before)


def _sender(services: Services, system: UUID) -> UUID:
    """The system's sender, made on first use, with the way out of the settings behind it."""
    session = services.session
    way = way_of(services.settings)
    try:
        with session.begin_nested():
            keep(services)
    except AutoLoopError as error:  # what asks for this mail must not fail with it
        log.error("system mail cannot have the way out of the settings: %s", error)
    row = {
        "workspace_id": system,
        "id": new_id(),
        "name": way.name,
        "address": way.address,
        "is_default": True,
    }
    session.execute(insert(Sender).values(row).on_conflict_do_nothing())
    return session.scalars(select(Sender.id).where(Sender.workspace_id == system, Sender.is_default)).one()
