"""Old notifications go: those read long ago, a part at a time, whenever the scheduler finds some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from autoloop.base.due import DueKind

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["KEPT_DAYS", "KIND", "work"]

KEPT_DAYS = 90
PART = 1000

OLD = f"read_at < now() - interval '{KEPT_DAYS} days'"
PROBE = f"select exists (select 1 from notifications where {OLD})"

FORGET = text(f"""
delete from notifications n using (
  select workspace_id, id from notifications where {OLD} order by read_at limit {PART} for update skip locked) old
where n.workspace_id = old.workspace_id and n.id = old.id
""")


def work(runtime: Runtime) -> int:
    """Delete what every reader has had for long enough. Returns how many; unread ones stay."""
    with runtime.unit("worker") as services:
        done: Any = services.session.execute(FORGET)
        return int(done.rowcount)


KIND = DueKind("notifications", PROBE, work)
