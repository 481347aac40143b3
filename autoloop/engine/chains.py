"""Chains: workflows whose runs start each other are let go on for a while, not for ever.

A run that an event started stands one place further down than the run which told that event. Beyond `MOST`
places nobody is let in. A run that takes its time begins a new chain with what it tells: a workflow that
starts itself once a day is a habit, one that does so at once is a mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.i18n import _
from autoloop.plugins.effects import Notify

if TYPE_CHECKING:
    from autoloop.base.services import Services

__all__ = ["MOST", "REFUSED", "place_of_told", "places_of_runs", "warn"]

MOST = 16
PATIENT = timedelta(hours=1)
REFUSED = "chain_too_long"

RUNS = text("""
select r.id, cast(r.variables ->> 'chain' as int) as chain from workflow_runs r
join unnest(cast(:tenants as uuid[]), cast(:runs as uuid[])) u(tenant, id) on r.workspace_id = u.tenant and r.id = u.id
""")

NAME = text("select name from automation_workflows where workspace_id = :workspace and id = :workflow")


def place_of_told(run_id: str, variables: Mapping[str, Any], now: datetime) -> int:
    """The place in its chain of what a run tells at `now`; the run's id says when it began."""
    began = int(run_id[:8] + run_id[9:13], 16) / 1000
    if now.timestamp() - began > PATIENT.total_seconds():
        return 1
    return int(variables.get("chain", 0)) + 1


def places_of_runs(services: Services, runs: Iterable[tuple[UUID, UUID]], now: datetime) -> dict[UUID, int]:
    """The place of what comes of mails of these runs (workspace_id, run_id), by run; it comes from outside."""
    wanted = sorted(set(runs))
    if not wanted:
        return {}
    values = {"tenants": [each[0] for each in wanted], "runs": [each[1] for each in wanted]}
    found = services.session.execute(RUNS, values)
    return {row.id: place_of_told(str(row.id), {"chain": row.chain or 0}, now) for row in found}


def warn(services: Services, workspace_id: UUID, workflow_id: UUID) -> None:
    """Tell the workspace's editors, once a day for each workflow, that it is started round and round."""
    notify = services.registrations.effect_handlers.get("notify")
    if notify is None:
        return
    name = services.session.scalar(NAME, {"workspace": workspace_id, "workflow": workflow_id})
    parts = {"name": name, "most": MOST}
    title = _("“${name}” is started round and round", mapping=parts)
    body = _(
        "Workflows start each other without end: a start of “${name}” was refused after ${most} runs in a row, "
        "each started by what the one before did. Look at what starts it, and at its rule for entering again.",
        mapping=parts,
    )
    day = services.clock.now().date().isoformat()
    notify(services, workspace_id, None, Notify(title, body, "editor"), key=f"chain:{workflow_id}:{day}")
