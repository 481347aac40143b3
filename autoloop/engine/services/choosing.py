"""What one may choose of the engine: forms, webhooks, workflows, names of events; and what is there of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autoloop.base.choices import MOST, Choice, rows_to_choose
from autoloop.base.services import Services
from autoloop.engine.models import EventRow, Form, IncomingHook, Workflow

__all__ = ["LOADERS"]

LOOKED_AT = 1_000


def forms(services: Services, q: str, keep: Collection[str]) -> list[Choice]:
    return rows_to_choose(services, Form, Form.name, q, keep)


def hooks(services: Services, q: str, keep: Collection[str]) -> list[Choice]:
    return rows_to_choose(services, IncomingHook, IncomingHook.name, q, keep)


def workflows(services: Services, q: str, keep: Collection[str]) -> list[Choice]:
    there = Workflow.status != "archived"
    return rows_to_choose(services, Workflow, Workflow.name, q, keep, note=Workflow.status, there=there)


def events(services: Services, q: str, keep: Collection[str]) -> list[Choice]:
    """Names that AutoLoop gives, and those among the workspace's newest events."""
    known = services.registrations.event_names
    newest = (
        select(EventRow.name)
        .where(EventRow.workspace_id == services.workspace_id)
        .order_by(EventRow.id.desc())
        .limit(LOOKED_AT)
    )
    own = sorted(set(services.session.scalars(newest)) - set(known))
    return [
        *(Choice(name, name) for name in own[:MOST]),
        *(Choice(name, known[name]) for name in sorted(known)),
    ]


def existing_forms(services: Services, ids: Collection[UUID]) -> set[UUID]:
    return _existing(services, Form, ids)


def existing_hooks(services: Services, ids: Collection[UUID]) -> set[UUID]:
    return _existing(services, IncomingHook, ids)


def _existing(services: Services, table: Any, ids: Collection[UUID]) -> set[UUID]:
    mine = select(table.id).where(table.workspace_id == services.workspace_id, table.id.in_(ids))
    return set(services.session.scalars(mine))


LOADERS = {
    "form_choices": forms,
    "hook_choices": hooks,
    "workflow_choices": workflows,
    "event_choices": events,
    "form_exists": existing_forms,
    "hook_exists": existing_hooks,
}
