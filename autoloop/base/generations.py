"""Generations: a number per workspace and resource, raised with each change, part of every cache key.

They are rows of the transaction that changes, so there is no after-commit step that could be lost.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.orm import Session, SessionTransaction

__all__ = ["changed"]

RAISE = text("""
insert into generations (workspace_id, resource, n)
select u.workspace, u.resource, 1
from unnest(cast(:workspaces as uuid[]), cast(:resources as text[])) u(workspace, resource)
order by 1, 2
on conflict (workspace_id, resource) do update set n = generations.n + 1""")


def changed(session: Session, workspace_id: UUID, *resources: str) -> None:
    """What is cached of these resources is stale once this transaction commits.

    The rows are raised as its last statement: they are the busiest locks of a workspace.
    """
    pending: set[tuple[UUID, str]] | None = session.info.get("generations")
    if pending is None:
        pending = session.info["generations"] = set()
        event.listen(session, "before_commit", _raise_them)
        event.listen(session, "after_soft_rollback", _forget)
    pending.update((workspace_id, resource) for resource in resources)


def _raise_them(session: Session) -> None:
    pending: set[tuple[UUID, str]] = session.info.get("generations", set())
    if not pending or session.in_nested_transaction():
        return
    rows = sorted(pending, key=str)
    pending.clear()
    session.flush()
    session.execute(RAISE, {"workspaces": [row[0] for row in rows], "resources": [row[1] for row in rows]})


def _forget(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:  # a savepoint that fails leaves what was noted before it
        session.info.get("generations", set()).clear()
